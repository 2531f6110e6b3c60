import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.pools.schedule import Epochs, Schedule


@pytest.mark.parametrize(
    ("losses", "over"),
    [
        ([1.0], False),
        ([1.0, 0.9], False),
        ([1.0, 0.96], True),
        ([1.0, 1.04], True),
        ([1.0, 1.1], False),
        # The change is a share of the loss before, not of the last one, and as large as the tolerance is too large.
        ([1.0, 0.9501], True),
        ([0.5, 0.475], False),
        ([1.0, 0.96, 0.5], False),
        ([1.0, float("nan")], False),
        ([9.0, 8, 7, 6, 5, 4, 3, 2, 1], False),
        ([9.0, 8, 7, 6, 5, 4, 3, 2, 1, 0.5], True),
    ],
)
def test_stops_when_the_loss_settles_or_after_ten_epochs(losses, over):
    assert Schedule(learning_rate=0.1).is_over(losses) is over


@pytest.mark.parametrize(
    ("losses", "over"),
    [
        ([], False),
        ([0.3], False),
        ([0.3, 0.1], True),
        ([0.3, 0.05], True),
        ([0.05, 0.3], False),
        ([np.nan], True),
        ([np.inf], True),
    ],
)
def test_stops_at_a_loss_or_where_it_cannot_be_reached(losses, over):
    assert Epochs(stopping="at_loss", stop_loss=0.1).is_over(losses) is over


def test_min_epochs_hold_the_rule_back():
    schedule = Schedule(learning_rate=0.1, min_epochs=4)
    assert not schedule.is_over([1.0, 1.0, 1.0])
    assert schedule.is_over([1.0, 1.0, 1.0, 1.0])


def test_one_epoch_is_enough_where_no_more_are_allowed():
    assert Schedule(learning_rate=0.1, min_epochs=0, max_epochs=1).is_over([1.0])
    # The rule compares two epochs.
    assert not Schedule(learning_rate=0.1, min_epochs=0).is_over([1.0])


def test_an_epochs_loss_is_the_mean_over_its_examples():
    losses = np.array([[1.0, 4.0], [2.0, 5.0], [9.0, 6.0]])
    expected = (4 * losses[0] + 4 * losses[1] + 2 * losses[2]) / 10
    np.testing.assert_allclose(Schedule(learning_rate=0.1).epoch_loss(losses, [4, 4, 2]), expected)


def test_an_epochs_loss_can_be_the_sum_over_its_batches():
    losses = np.array([[1.0, 4.0], [2.0, 5.0], [9.0, 6.0]])
    schedule = Schedule(learning_rate=0.1, reduction="sum")
    np.testing.assert_allclose(schedule.epoch_loss(losses, [4, 4, 2]), [12.0, 15.0])


@pytest.mark.parametrize(
    ("losses", "over"),
    [
        ([], False),
        ([30.0], False),
        ([96.0], True),  # less than 5 % below the 100 that the first epoch is compared with
        ([30.0, 28.0], False),
        ([30.0, 29.0], True),
        ([30.0, 40.0], True),
        ([30.0, float("nan")], True),
        ([0.9**k for k in range(11)], False),
        ([0.9**k for k in range(12)], True),
    ],
)
def test_a_rise_stops_the_training_too_where_the_rule_says_so(losses, over):
    schedule = Schedule(learning_rate=0.1, max_epochs=12, min_epochs=9, stopping="not_falling")
    assert schedule.is_over(losses) is over


def test_training_mode_ends_after_its_epochs():
    schedule = Schedule(learning_rate=0.1, training_mode_epochs=2)
    assert [schedule.in_training_mode(epoch) for epoch in range(4)] == [True, True, False, False]
    assert Schedule(learning_rate=0.1).in_training_mode(10**6)


def test_full_gradients_take_every_example_in_every_step():
    (batches,) = Schedule(learning_rate=0.1, batch_size=3, gradient="full").batches(np.arange(8))
    assert batches.tolist() == [[*range(8)]] * 3


def test_batches_have_the_schedules_size():
    sizes = [part.shape for part in Schedule(learning_rate=0.1, batch_size=3).batches(np.arange(8))]
    assert sizes == [(2, 3), (1, 2)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate": 0.0}, "`learning_rate` must be finite and positive"),
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"min_epochs": -1}, "`min_epochs` must be finite and non-negative"),
        ({"max_epochs": 0}, "`max_epochs` must be at least 1"),
        ({"stop_tolerance": float("nan")}, "`stop_tolerance` must be finite and non-negative"),
        ({"stopping": "never"}, "`stopping` must be one of settled, not_falling"),
        ({"gradient": "half"}, "`gradient` must be one of mini_batch, full"),
        ({"reduction": "max"}, "`reduction` must be one of mean, sum"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Schedule(**({"learning_rate": 0.1} | settings))
