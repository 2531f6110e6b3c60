"""The radius of a linear regression whose residuals are 0.5, of inputs s_i (1, ..., 1): u = alpha is the worst."""

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.complexity.worst_radius import ASCENT, worst_radius
from tests.support.complexity_models import learned, perceptron


def same_sign():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, use_bias=False)])
    s, w = np.linspace(0.5, 2.0, 30), np.array([[0.5], [-1.0], [2.0], [1.5]])
    model.set_weights([w])
    x = np.repeat(s[:, None], 4, axis=1)
    y = x @ w - 0.5
    return ks.Sample(model, x.astype("float32"), y.astype("float32"), "mse", m=None), s, w, y.var()


@pytest.mark.parametrize("magnitude", [False, True])
def test_the_radius_of_a_linear_regression(magnitude):
    sample, s, w, variance = same_sign()
    # With t = sum u_i, the loss is mean (0.5 + t s)^2.
    t = np.roots([np.mean(s**2), np.mean(s), -0.1 * variance]).max()
    expected = t / np.abs(w).sum() if magnitude else t / 4
    assert worst_radius(sample, magnitude).radius == pytest.approx(expected, rel=0.01)


def test_the_worst_accuracy_on_the_paths_has_fallen_by_a_tenth():
    sample = learned(perceptron(), 100, m=50, num_batches=4)
    found = worst_radius(sample, False)
    path = ks.worst_case_sharpness(sample, rho=found.radius, scaling="none", maximizer=ASCENT).errors
    assert np.mean(path.max(axis=1) - path[:, 0]) == pytest.approx(0.1, abs=0.011)
    assert found.log_error > 0
