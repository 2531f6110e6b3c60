import keras
import numpy as np
import pytest
from keras import ops

from keras_sharpness import backend
from keras_sharpness.measures import finite_differences

RNG = np.random.default_rng(0)
POINT = [RNG.normal(size=(3, 2)).astype("float32"), RNG.normal(size=2).astype("float32")]
DIRECTION = [RNG.normal(size=(3, 2)).astype("float32"), RNG.normal(size=2).astype("float32")]


def outputs(arrays):
    kernel, bias = arrays
    return {"a": ops.tanh(ops.ones((4, 3)) @ kernel + bias), "b": ops.sum(kernel**3)}


def loss(arrays):
    return ops.sum(outputs(arrays)["a"] ** 2) + outputs(arrays)["b"]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_they_are_the_derivatives_of_the_backend(scale):
    point = [ops.convert_to_tensor(a) for a in POINT]
    direction = [scale * ops.convert_to_tensor(a) for a in DIRECTION]
    for name, fn in (("hvp", loss), ("jvp", outputs)):
        products = [getattr(home, name)(fn)(point, direction) for home in (backend, finite_differences)]
        exact, found = map(keras.tree.flatten, products)
        for a, b in zip(found, exact, strict=True):
            a, b = ops.convert_to_numpy(a), ops.convert_to_numpy(b)
            np.testing.assert_allclose(a, b, atol=1e-3 * np.abs(b).max())


def test_no_direction_and_a_point_at_zero():
    zero = [ops.zeros((3, 2)), ops.zeros(2)]
    for at, along in ((POINT, zero), (zero, zero), (zero, DIRECTION)):
        arrays = ([ops.convert_to_tensor(a) for a in structure] for structure in (at, along))
        found = finite_differences.hvp(loss)(*arrays)
        assert all(np.isfinite(ops.convert_to_numpy(a)).all() for a in found)
