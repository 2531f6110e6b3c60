"""Arithmetic on lists of arrays."""

import operator
from collections.abc import Callable, Iterable, Iterator

from keras import ops

from keras_sharpness import backend
from keras_sharpness.typing import Array, Weights


def in_turn(arrays: Iterable[Array]) -> Weights:
    """Returns a list of arrays, each of which is computed once the one before is.

    What is needed on the way to all of them then takes the memory of one.

    Args:
        arrays: Computes them, such as a generator.
    """
    found: Weights = []
    rest = iter(arrays)
    while True:
        with backend.after(found[-1:]):
            try:
                found.append(next(rest))
            except StopIteration:
                return found


class Each(Iterator[Array]):
    """A function of the arrays at each place of some lists, computed when it is needed.

    Unlike a generator expression, it does not hold on to what the last array was made from. Lists that are not equally
    long raise a ValueError where the shortest ends.
    """

    def __init__(self, fn: Callable[..., Array], *lists: Iterable[Array]) -> None:
        """Notes the function and its arguments at all places."""
        self._fn, self._rows = fn, [iter(arrays) for arrays in lists]

    def __next__(self) -> Array:
        """Returns the next array."""
        # A `zip` keeps the row that it gave last: this one is gone with it.
        return self._fn(*next(zip(*self._rows, strict=True)))


def add(a: Iterable[Array], b: Iterable[Array]) -> Weights:
    """Returns a + b."""
    return in_turn(Each(operator.add, a, b))


def multiply(a: Iterable[Array], b: Iterable[Array]) -> Weights:
    """Returns the elementwise product of a and b."""
    return in_turn(Each(operator.mul, a, b))


def scale(factor: float | Array, a: Iterable[Array]) -> Weights:
    """Returns factor * a, of the dtypes of a."""
    return in_turn(Each(lambda x: of_type(factor, x) * x, a))


def add_scaled(a: Iterable[Array], factor: float | Array, b: Iterable[Array]) -> Weights:
    """Returns a + factor * b, of the dtypes of b."""
    return in_turn(adding_scaled(a, factor, b))


def adding_scaled(a: Iterable[Array], factor: float | Array, b: Iterable[Array]) -> Iterator[Array]:
    """Returns an iterator of the arrays of `add_scaled`, to be computed when they are needed."""
    return Each(lambda x, y: x + of_type(factor, y) * y, a, b)


def divide(a: Iterable[Array], b: Iterable[Array]) -> Weights:
    """Returns a / b, zero where b is zero."""
    return in_turn(Each(ops.divide_no_nan, a, b))


def where(condition: Array, a: Weights, b: Weights) -> Weights:
    """Returns a if the condition, a scalar, holds, else b."""
    return backend.choose(condition, a, b)


def zeros_like(a: Weights) -> Weights:
    """Returns zeros of the shapes and dtypes of a."""
    return [ops.zeros_like(x) for x in a]


def cast_like(a: Weights, b: Iterable[Array]) -> Weights:
    """Returns a, of the dtypes of b."""
    return [ops.cast(x, y.dtype) for x, y in zip(a, b, strict=True)]


def vdot(a: Iterable[Array], b: Iterable[Array]) -> Array:
    """Returns the inner product of a and b over all arrays together, a scalar."""
    return sum(in_turn(Each(lambda x, y: ops.sum(x * y), a, b)))


def norm_l1(a: Iterable[Array]) -> Array:
    """Returns the sum of absolute values over all arrays together, a scalar."""
    return sum(in_turn(Each(lambda x: ops.sum(ops.abs(x)), a)))


def norm_l2(a: Iterable[Array]) -> Array:
    """Returns the Euclidean norm over all arrays together, a scalar."""
    return ops.sqrt(sum(in_turn(Each(lambda x: ops.sum(x * x), a))))


def norm_linf(a: Iterable[Array]) -> Array:
    """Returns the largest absolute value over all arrays together, a scalar."""
    return ops.max(ops.stack(in_turn(Each(lambda x: ops.max(ops.abs(x)), a))))


def flatten(a: Iterable[Array]) -> Array:
    """Returns all entries in one vector."""
    return ops.concatenate([ops.reshape(x, (-1,)) for x in a])


def unflatten(vector: Array, like: Iterable[Array]) -> Weights:
    """Returns the entries of a vector in the shapes of `like`."""
    arrays, start = [], 0
    for x in like:
        size = 1
        for length in x.shape:
            size *= length
        arrays.append(ops.reshape(vector[start : start + size], x.shape))
        start += size
    return arrays


def of_type(factor: float | Array, array: Array) -> float | Array:
    """Returns a factor, of the dtype of an array that it multiplies."""
    return ops.cast(factor, array.dtype) if getattr(factor, "dtype", array.dtype) != array.dtype else factor
