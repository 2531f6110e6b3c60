"""Second derivatives through normalizations, beside differences of first derivatives."""

import keras
import pytest

if keras.config.backend() != "tensorflow":
    pytest.skip("particulars of TensorFlow", allow_module_level=True)

import threading

import numpy as np
import tensorflow as tf
from keras import layers
from keras.src.backend.tensorflow import nn

from keras_sharpness import backend
from keras_sharpness.backend import tensorflow_moments

X = np.random.default_rng(0).normal(size=(5, 3, 4)).astype("float32")
V = np.random.default_rng(1).normal(size=X.shape).astype("float32")

NORMALIZATIONS = {
    "layer": lambda: layers.LayerNormalization(epsilon=1e-3),
    "two_axes": lambda: layers.LayerNormalization(axis=(1, 2), epsilon=1e-3),
    "group": lambda: layers.GroupNormalization(2),
    "batch": layers.BatchNormalization,
}


@pytest.fixture(params=NORMALIZATIONS)
def loss(request):
    layer = NORMALIZATIONS[request.param]()
    layer.build(X.shape)
    state = [v.value for v in layer.non_trainable_variables]
    training = {"training": True} if request.param == "batch" else {}
    values = [v.value for v in layer.trainable_variables]

    def loss(point):
        outputs, _ = layer.stateless_call(values, state, point[0], **training)
        return tf.reduce_sum(tf.sin(outputs) * V)

    return loss


def test_second_derivatives_of_normalizations(loss):
    (found,) = backend.compile(lambda: backend.hvp(loss)([tf.constant(X)], [tf.constant(V)]))()
    gradient = lambda step: backend.value_and_grad(loss)([tf.constant(X + step * V)])[1][0].numpy()  # noqa: E731
    expected = (gradient(1e-3) - gradient(-1e-3)) / 2e-3
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


def test_values_keep_their_bits():
    for axes in ([1], [0, 2]):
        for keepdims in (True, False):
            found = tensorflow_moments._moments(tf.constant(X), axes, keepdims)
            for ours, theirs in zip(found, tf.nn.moments(X, axes, keepdims=keepdims), strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_keras_has_its_own_function_back():
    original = nn._compute_moments
    with pytest.raises(RuntimeError), tensorflow_moments.twice_differentiable():
        assert nn._compute_moments is not original
        raise RuntimeError
    assert nn._compute_moments is original


def test_threads_may_leave_in_any_order():
    original, entered, leave = nn._compute_moments, threading.Event(), threading.Event()

    def stay():
        with tensorflow_moments.twice_differentiable():
            entered.set()
            leave.wait(60)

    thread = threading.Thread(target=stay)
    with tensorflow_moments.twice_differentiable():
        thread.start()
        assert entered.wait(60)
    assert nn._compute_moments is tensorflow_moments._moments
    leave.set()
    thread.join()
    assert nn._compute_moments is original
