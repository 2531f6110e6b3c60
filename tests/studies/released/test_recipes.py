import numpy as np
import pytest

from keras_sharpness.measures.batches import draw_batches
from keras_sharpness.studies.config import released_config
from keras_sharpness.studies.released.recipes import RECIPES, Recipe

TRAIN = np.arange(140)


def recipe(model, *as_in_paper):
    return RECIPES[model](released_config(model, as_in_paper))


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("model", "shape"), [("lenet", (1, 6)), ("fcnn", (2, 7)), ("gat", (5, 6))])
def test_losses_have_a_row_for_each_ascent_and_for_its_sums(model, shape):
    assert recipe(model).shape == shape


def test_the_largest_loss_after_the_start_counts():
    losses = np.array([[3.0, 1.0, 2.0], [0.0, 1.0, -4.0]])
    settings = {"ascents": 2, "epochs": 2, "batches": lambda rng, examples: [examples]}
    assert Recipe(**settings).rises(losses).tolist() == [-1, 1]
    assert Recipe(start_counts=True, **settings).rises(losses).tolist() == [0, 1]


def test_the_epoch_of_the_largest_sum_counts():
    losses = np.array([[1.0, 5.0, 3.0, 2.0], [np.nan, 1.0, 7.0, 6.0]])
    settings = {"epochs": 3, "batches": lambda rng, examples: [examples]}
    assert Recipe(largest_sum=True, **settings).rises(losses).tolist() == [2]


def test_each_part_of_gats_ascent_follows_the_paper_by_itself():
    released = recipe("gat")
    assert (released.ascents, released.training, released.reads_start_once, released.start_counts) == (
        5,
        True,
        True,
        False,
    )
    assert recipe("gat", "trials").ascents == 50
    assert not recipe("gat", "dropout").training
    baseline = recipe("gat", "baseline")
    assert (baseline.reads_start_once, baseline.start_counts) == (False, True)
    assert recipe("gat", "loss").reads_own_examples and not released.reads_own_examples


def test_gats_nodes_are_a_set_unless_the_draw_follows_the_paper():
    (nodes,) = recipe("gat").batches(rng(), recipe("gat").examples(rng(), TRAIN, 0))[0]
    assert len(nodes) < 64 and nodes.tolist() == sorted(set(nodes))
    assert nodes.tolist() == np.unique(rng().choice(TRAIN, 64)).tolist()
    drawn = recipe("gat", "draw").examples(rng(), TRAIN, 3)
    np.testing.assert_array_equal(drawn, draw_batches(TRAIN, 64, 50, 0)[3])


def test_gats_losses_are_read_on_the_training_batches_unless_they_follow_the_paper():
    parts = recipe("gat").reading(rng(), TRAIN)
    assert [part.shape for part in parts] == [(2, 64), (1, 12)]
    assert [part.shape for part in recipe("gat", "loss").reading(rng(), TRAIN[:9])] == [(1, 9)]


def test_lenet_climbs_all_batches_and_fcnn_the_whole_training_set():
    assert [part.shape for part in recipe("lenet").batches(rng(), TRAIN)] == [(2, 64), (1, 12)]
    assert [part.shape for part in recipe("fcnn").batches(rng(), TRAIN)] == [(3, 140)]
    assert not recipe("fcnn").absolute_value and recipe("fcnn", "absolute_value").absolute_value
    names = ("training", "dropout", "free_first_step")
    assert [getattr(recipe("lenet"), name) for name in names] == [True] * 3
    paper = recipe("lenet", "batch_statistics", "dropout", "reference")
    assert [getattr(paper, name) for name in names] == [False] * 3
