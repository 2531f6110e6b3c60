"""The loss of a model beside what `model.evaluate` says of it."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_sharpness as ks

N, CLASSES, STEPS = 6, 3, 4
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 5)).astype("float32")
LABELS = RNG.integers(0, CLASSES, N).astype("int32")
NUMBERS = RNG.normal(size=(N, 1)).astype("float32")
TOKENS = np.array([[1, 2, 3, 0], [4, 0, 0, 0], [5, 6, 0, 0], [1, 1, 1, 1], [2, 0, 0, 0], [3, 4, 5, 0]], "int32")


def dense(units, activation, **options):
    model = keras.Sequential([keras.Input((5,)), layers.Dense(units, activation, **options)])
    model.layers[0].set_weights([np.cos(np.arange(5.0 * units)).reshape(5, units), np.full(units, 0.1)])
    return model


def name_of(loss):
    return loss if isinstance(loss, str) else getattr(loss, "name", "function")


def evaluated(model, x, y, sample_weight=None):
    logs = model.evaluate(x, y, sample_weight=sample_weight, batch_size=N, verbose=0, return_dict=True)
    return logs["loss"]


def measured(model, x, y, loss=None, **options):
    sample = ks.Sample(model, x, y, loss, m=None, **options)
    value = sample.objective.loss(*sample.values(), sample.data.tensors, ops.convert_to_tensor(np.arange(N)))
    return float(ops.convert_to_numpy(value))


def check(model, x, y, **options):
    expected = evaluated(model, x, y, options.get("sample_weight"))
    assert measured(model, x, y, **options) == pytest.approx(expected, rel=2e-5)
    return expected


def check_pieces(model, x, y, **options):
    """Checks the loss also in pieces of 4 and 2, along an ascent and as the mean loss of second-order measures."""
    expected = check(model, x, y, **options)
    whole, pieces = (
        ks.worst_case_sharpness(model, x, y, batches=[np.arange(N)], rho=1e-3, batch_size=size, **options).losses
        for size in (None, 4)
    )
    assert pieces[0, 0] == pytest.approx(expected, rel=2e-5)
    np.testing.assert_allclose(pieces, whole, rtol=2e-5)
    whole, pieces = (ks.gradient_norm(model, x, y, batch_size=size, **options) for size in (None, 4))
    assert pieces == pytest.approx(whole, rel=1e-4)


def tagger():
    """A network with an output for each token; padding is masked."""
    model = keras.Sequential(
        [keras.Input((STEPS,), dtype="int32"), layers.Embedding(7, 4, mask_zero=True), layers.Dense(CLASSES, "softmax")]
    )
    keras.utils.set_random_seed(0)
    for weights in model.weights:
        weights.assign(RNG.normal(size=weights.shape))
    return model
