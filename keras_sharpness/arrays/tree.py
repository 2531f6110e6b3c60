"""Arithmetic on lists of arrays."""

from collections.abc import Iterable

from keras import ops

from keras_sharpness import backend
from keras_sharpness.typing import Array, Weights


def add(a: Weights, b: Weights) -> Weights:
    """Returns a + b."""
    return [x + y for x, y in zip(a, b, strict=True)]


def subtract(a: Weights, b: Weights) -> Weights:
    """Returns a - b."""
    return [x - y for x, y in zip(a, b, strict=True)]


def multiply(a: Weights, b: Weights) -> Weights:
    """Returns the elementwise product of a and b."""
    return [x * y for x, y in zip(a, b, strict=True)]


def scale(factor: float | Array, a: Weights) -> Weights:
    """Returns factor * a, of the dtypes of a."""
    return [_of_type(factor, x) * x for x in a]


def add_scaled(a: Weights, factor: float | Array, b: Weights) -> Weights:
    """Returns a + factor * b, of the dtypes of b."""
    return [x + _of_type(factor, y) * y for x, y in zip(a, b, strict=True)]


def divide(a: Weights, b: Weights) -> Weights:
    """Returns a / b, zero where b is zero."""
    return [ops.where(y == 0, 0.0, x / ops.where(y == 0, 1.0, y)) for x, y in zip(a, b, strict=True)]


def where(condition: Array, a: Weights, b: Weights) -> Weights:
    """Returns a if the condition, a scalar, holds, else b."""
    return [backend.choose(condition, x, y) for x, y in zip(a, b, strict=True)]


def zeros_like(a: Weights) -> Weights:
    """Returns zeros of the shapes and dtypes of a."""
    return [ops.zeros_like(x) for x in a]


def cast_like(a: Weights, b: Weights) -> Weights:
    """Returns a, of the dtypes of b."""
    return [ops.cast(x, y.dtype) for x, y in zip(a, b, strict=True)]


def vdot(a: Weights, b: Weights) -> Array:
    """Returns the inner product of a and b over all arrays together, a scalar."""
    return sum(ops.sum(x * y) for x, y in zip(a, b, strict=True))


def norm_l1(a: Weights) -> Array:
    """Returns the sum of absolute values over all arrays together, a scalar."""
    return sum(ops.sum(ops.abs(x)) for x in a)


def norm_l2(a: Weights) -> Array:
    """Returns the Euclidean norm over all arrays together, a scalar."""
    return ops.sqrt(vdot(a, a))


def norm_linf(a: Weights) -> Array:
    """Returns the largest absolute value over all arrays together, a scalar."""
    return ops.max(ops.stack([ops.max(ops.abs(x)) for x in a]))


def flatten(a: Iterable[Array]) -> Array:
    """Returns all entries in one vector."""
    return ops.concatenate([ops.reshape(x, (-1,)) for x in a])


def unflatten(vector: Array, like: Weights) -> Weights:
    """Returns the entries of a vector in the shapes of `like`."""
    arrays, start = [], 0
    for x in like:
        size = 1
        for length in x.shape:
            size *= length
        arrays.append(ops.reshape(vector[start : start + size], x.shape))
        start += size
    return arrays


def _of_type(factor: float | Array, array: Array) -> float | Array:
    return ops.cast(factor, array.dtype) if getattr(factor, "dtype", array.dtype) != array.dtype else factor
