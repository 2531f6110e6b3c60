import math

import numpy as np
import pytest

from keras_sharpness.pools.schedule import Schedule
from keras_sharpness.studies.released.particulars import released_config
from keras_sharpness.studies.released.schedule import ReleasedSchedule


@pytest.fixture
def fcnn():
    return released_config("fcnn").schedule


@pytest.fixture
def gat():
    return released_config("gat").schedule


@pytest.mark.parametrize(
    ("losses", "over"),
    [
        ((), False),
        ((30.0,), False),
        ((96.0,), True),  # less than 5 % below the 100 that the first epoch is compared with
        ((30.0, 28.0), False),
        ((30.0, 29.0), True),
        ((30.0, 40.0), True),  # a rise
        (tuple(0.9**k for k in range(11)), False),
        (tuple(0.9**k for k in range(12)), True),
        ((30.0, math.nan), True),
    ],
)
def test_fcnn_stops_at_a_small_fall_or_a_rise(fcnn, losses, over):
    assert fcnn.is_over(losses) is over


def test_gat_stops_from_the_eleventh_epoch_on(gat):
    assert not gat.is_over((6.0,) * 10)
    assert gat.is_over((6.0,) * 11)
    assert not gat.is_over((*[6.0] * 10, 5.0))


def test_an_epochs_loss_is_the_sum_over_its_batches(gat):
    assert gat.epoch_loss(np.array([2.0, 2.0, 1.0]), [64, 64, 12]) == 5.0


def test_full_gradients_take_every_example_in_every_step(fcnn):
    (batches,) = fcnn.batches(np.arange(3340))
    assert batches.shape == (53, 3340)
    assert all(sorted(batch) == [*range(3340)] for batch in batches[:2].tolist())


def test_lenet_trains_in_inference_mode_after_its_first_epoch():
    assert [released_config("lenet").schedule.in_training_mode(epoch) for epoch in range(3)] == [True, False, False]


def test_without_its_particulars_it_is_the_papers_schedule():
    ours, paper = ReleasedSchedule(learning_rate=0.1), Schedule(learning_rate=0.1)
    for losses in ((1.0,), (1.0, 0.96), (1.0, 1.04), (1.0, 0.9)):
        assert ours.is_over(losses) == paper.is_over(losses)
    losses, sizes = np.array([1.0, 5.0]), [64, 16]
    assert ours.epoch_loss(losses, sizes) == paper.epoch_loss(losses, sizes)
    assert ours.in_training_mode(7)
    for a, b in zip(ours.batches(np.arange(100)), paper.batches(np.arange(100)), strict=True):
        np.testing.assert_array_equal(a, b)
