import numpy as np

import keras_sharpness as ks
from keras_sharpness.measures.along import Axis, batch_losses, mean_losses
from tests.support.small_network import loss_at, unflatten

POINTS = np.array([[0.0, 0.0], [0.5, -1.0], [-2.0, 0.25]])


def test_losses_are_those_at_the_points(small, flat):
    model, x, y, _ = small
    moves = np.random.default_rng(0).normal(size=(2, flat.size))
    axes = [Axis([a.astype("float32") for a in unflatten(move, model)], "given") for move in moves]
    batches = np.arange(20).reshape(4, 5)
    sample = ks.Sample(*small, batches=batches)
    expected = [[loss_at(flat + point @ moves, model, x[rows], y[rows]) for point in POINTS] for rows in batches]
    np.testing.assert_allclose(batch_losses(sample, axes, POINTS), expected, rtol=1e-5)
    np.testing.assert_allclose(mean_losses(sample, axes, POINTS), np.mean(expected, axis=0), rtol=1e-5)
