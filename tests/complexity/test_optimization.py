import math

import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from tests.support.complexity_models import linear_regression

STEPS = ("steps_0.1", "steps_0.1_to_0.01")


def steps(losses, batch_size=None):
    sample, *_ = linear_regression(2, 60)
    trained = ks.complexity.TrainedModel(sample, epoch_losses=losses, batch_size=batch_size)
    return [found.value for found in ks.complexity.measure(trained, STEPS).values()]


def test_steps_are_those_of_epochs():
    losses = (0.5, 0.2, 0.1, 0.04, 0.02, 0.009)
    assert steps(losses) == [3, 3]
    # 60 examples are 4 batches of 16 at most.
    assert steps(losses, batch_size=16) == [12, 12]
    reached, between = steps(losses[:4])
    assert reached == 3 and math.isnan(between)


def noise(x, w, y, batches):
    """The variance of the gradient of the squared error, from gradients of the batches."""
    each = 2 * (x @ w - y) * x
    g = each[batches].mean(axis=1)
    return batches.shape[1] * g.var(axis=0, ddof=1).mean(), each.var(axis=0).mean()


def test_noise_of_the_gradient_at_the_end_and_before():
    sample, x, w, y = linear_regression(6, 60, m=10, num_batches=200)
    first = np.zeros_like(w)
    trained = ks.complexity.TrainedModel(sample, first_epoch=([first], []))
    found = ks.complexity.measure(trained, ["gradient_noise_final", "gradient_noise_first_epoch"])
    for value, weights in zip(found.values(), (w, first), strict=True):
        of_batches, of_examples = noise(x, weights, y, sample.batches)
        assert value.value == pytest.approx(of_batches, rel=1e-3)
        assert value.value == pytest.approx(of_examples, abs=5 * value.standard_error)
    np.testing.assert_allclose(sample.model.get_weights()[0], w, rtol=1e-6)


def test_one_batch_has_no_noise():
    sample, *_ = linear_regression(2, m=None)
    with pytest.raises(InputError, match="gradient_noise_final: `num_batches` must be at least 2"):
        ks.complexity.measure(ks.complexity.TrainedModel(sample), ["gradient_noise_final"])
