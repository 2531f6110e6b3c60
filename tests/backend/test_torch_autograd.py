import keras
import pytest

if keras.config.backend() != "torch":
    pytest.skip("particulars of PyTorch", allow_module_level=True)

import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.backend import torch_autograd

POINT = [ops.convert_to_tensor(np.array(a, "float32")) for a in ([[1.0, 2.0], [0.5, -1.0]], [0.3, 0.1], [5.0])]
DIRECTION = [ops.convert_to_tensor(np.array(a, "float32")) for a in ([[0.2, 1.0], [3.0, -1.0]], [1.0, -2.0], [1.0])]


def outputs(arrays):
    kernel, bias, _ = arrays
    return {"a": ops.tanh(kernel @ kernel + bias), "b": ops.zeros(())}


def loss(arrays, factor):
    return factor * ops.sum(outputs(arrays)["a"] ** 2)


def assert_equal(found, expected):
    keras.tree.assert_same_structure(found, expected)
    for a, b in zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True):
        assert not a.requires_grad
        np.testing.assert_allclose(ops.convert_to_numpy(a), ops.convert_to_numpy(b), rtol=1e-5, atol=1e-6)


def test_they_are_the_derivatives_of_torch_func():
    assert_equal(torch_autograd.value_and_grad(loss)(POINT, 2.0), backend.value_and_grad(loss)(POINT, 2.0))
    auxiliary = lambda *args: (loss(*args), {"more": ops.ones(2)})  # noqa: E731
    arguments = (auxiliary, True)
    assert_equal(torch_autograd.value_and_grad(*arguments)(POINT, 2.0), backend.value_and_grad(*arguments)(POINT, 2.0))
    cotangent = keras.tree.map_structure(lambda a: 3 * ops.ones_like(a), outputs(POINT))
    assert_equal(torch_autograd.vjp(outputs)(POINT, cotangent), backend.vjp(outputs)(POINT, cotangent))
    assert_equal(torch_autograd.jvp(outputs)(POINT, DIRECTION), backend.jvp(outputs)(POINT, DIRECTION))


def test_a_constant_has_derivatives_of_zero():
    _, gradient = torch_autograd.value_and_grad(lambda arrays: ops.zeros(()))(POINT)
    assert all(float(ops.sum(ops.abs(g))) == 0 for g in gradient)
