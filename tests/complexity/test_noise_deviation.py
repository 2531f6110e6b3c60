"""The deviation of a linear regression: the loss rises by sum_i E[x_i^2] Var(u_i)."""

import keras
import numpy as np
import pytest

from keras_sharpness.complexity.noise_deviation import FLOOR, noise_deviation
from tests.support.complexity_models import learned, linear_regression, perceptron


@pytest.mark.parametrize("magnitude", [False, True])
def test_the_deviation_of_a_linear_regression(magnitude):
    sample, x, w, y = linear_regression(20, 40, m=40, num_batches=150)
    squares = (x**2).mean(axis=0)
    if magnitude:
        expected = np.sqrt((0.1 * y.var() - FLOOR**2 * squares.sum()) / (squares @ w[:, 0] ** 2))
    else:
        expected = np.sqrt(0.1 * y.var() / squares.sum())
    found = noise_deviation(sample, magnitude)
    assert found.radius == pytest.approx(expected, abs=4 * found.log_error * expected)
    assert 0 < found.log_error < 0.05


def test_the_accuracy_of_a_classifier_has_fallen_by_a_tenth():
    model = perceptron()
    sample = learned(model, 200, m=50, num_batches=10)
    sigma = noise_deviation(sample, False).radius
    weights, rng = model.get_weights(), np.random.default_rng(0)
    x, y = (keras.ops.convert_to_numpy(part) for part in sample.data.tensors)
    errors = []
    for _ in range(300):
        kernel, bias, last, offset = (w + sigma * rng.normal(size=w.shape) for w in weights)
        errors.append(np.mean((np.maximum(x @ kernel + bias, 0) @ last + offset).argmax(axis=1) != y))
    assert np.mean(errors) == pytest.approx(0.1, abs=0.025)
