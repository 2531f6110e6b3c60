"""Arithmetic on lists of arrays."""

from keras import ops

from keras_sharpness.typing import Array, Weights


def add(a: Weights, b: Weights) -> Weights:
    """Returns a + b."""
    return [x + y for x, y in zip(a, b, strict=True)]


def multiply(a: Weights, b: Weights) -> Weights:
    """Returns the elementwise product of a and b."""
    return [x * y for x, y in zip(a, b, strict=True)]


def add_scaled(a: Weights, factor: float | Array, b: Weights) -> Weights:
    """Returns a + factor * b."""
    return [x + factor * y for x, y in zip(a, b, strict=True)]


def zeros_like(a: Weights) -> Weights:
    """Returns zeros of the shapes and dtypes of a."""
    return [ops.zeros_like(x) for x in a]


def clip(a: Weights, low: Weights, high: Weights) -> Weights:
    """Returns a, each entry limited to its interval [low, high]."""
    return [ops.minimum(ops.maximum(x, lo), hi) for x, lo, hi in zip(a, low, high, strict=True)]
