"""Measures of all examples on data that are read piece by piece."""

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.measures.streaming import in_order, single_examples, whole_pieces
from tests.support.large_data import OnDisk, nothing_is_small

MEASURES = {
    "gradient norm": lambda s: ks.gradient_norm(s),
    "eigenvalues": lambda s: ks.hessian.top_eigenvalues(s, k=2).values,
    "trace": lambda s: ks.hessian.trace(s).value,
    "flatness": lambda s: ks.relative_flatness(s).value,
    "critical": lambda s: ks.critical_sharpness(s).value,
    "fisher rao": lambda s: ks.fisher_rao_norm(s).samples,
    "fisher rao of some": lambda s: ks.fisher_rao_norm(s, num_examples=9).samples,
    "line": lambda s: ks.landscape.line(s, num_points=3).losses,
    "plane": lambda s: ks.landscape.plane(s, num_points=3).losses,
    "line of an ascent": lambda s: ks.landscape.line(s, direction="ascent", num_points=3).losses,
    "keskar": lambda s: ks.keskar_sharpness(s).value,
    "grid": lambda s: ks.sharpness_grid(s, rhos=[0.1], ms=[None, 4], num_batches=3).table["sharpness"],
}


@pytest.fixture(scope="module")
def samples(small):
    """Returns a sample of arrays in memory, and one of the same data on a disk."""
    model, x, y, loss = small
    options = {"m": None, "batch_size": 7, "examples": [*range(3, 20), 1]}
    with pytest.MonkeyPatch.context() as patch:
        held = ks.Sample(model, x, y, loss, **options)
        nothing_is_small(patch)
        return held, ks.Sample(model, OnDisk(x), OnDisk(y), loss, **options)


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_is_that_of_arrays_in_memory(measure, samples):
    expected, found = map(MEASURES[measure], samples)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_pieces_are_read_one_after_another(samples):
    sizes = [grid.batches.shape for grid in whole_pieces(samples[1], 2)]
    assert sizes == [(1, 7), (1, 7), (1, 4)]


def test_single_examples_fill_up_the_last_piece_and_come_back_in_order(samples):
    chosen = np.array([9, 3, 18, 5, 4, 11, 12, 7, 8])
    grids = [*single_examples(samples[1], chosen)]
    assert [grid.batches.shape for grid in grids] == [(7, 1), (7, 1)]
    found = [np.array([3, 4, 5, 7, 8, 9, 11]), np.array([12, 18, 12, 18, 12, 18, 12])]
    np.testing.assert_array_equal(in_order(found, chosen, samples[1]), chosen)
    (whole,) = single_examples(samples[0], chosen)
    assert whole.batches[:, 0].tolist() == chosen.tolist()
    np.testing.assert_array_equal(in_order([chosen], chosen, samples[0]), chosen)


def test_the_grids_of_equal_pieces_share_what_is_compiled(small, samples, monkeypatch):
    """Also where nothing is kept from one sample to the next, since a user's own loss may read anything."""
    model, x, y, _ = small
    nothing_is_small(monkeypatch)
    loss = lambda y_true, y_pred: keras.ops.mean((y_true - y_pred) ** 2, axis=-1)  # noqa: E731
    sample = ks.Sample(model, OnDisk(x), y, loss, m=None, batch_size=7, examples=samples[0].examples)
    made = []

    def make(evaluation):
        made.append(evaluation)
        return lambda weights, state, data, block: (
            evaluation.values(weights, state, data, evaluation.zeros(weights), block).losses
        )

    grids = whole_pieces(sample, 1)
    losses = [float(grid.compile(make, "loss")(*sample.values())[0, 0]) for grid in grids]
    assert len(made) == 2
    assert losses[0] != losses[1]
    whole = ks.landscape.line(samples[0], num_points=3).losses[1]
    assert np.average(losses, weights=[7, 7, 4]) == pytest.approx(whole, rel=1e-5)
