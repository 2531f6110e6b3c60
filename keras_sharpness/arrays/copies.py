"""Functions of one copy of something, applied to many copies along a leading axis."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_sharpness import backend
from keras_sharpness.typing import Array


def for_each(fn: Callable[..., Any], num_copies: int) -> Callable[..., Any]:
    """Returns a function that applies `fn` to each copy.

    Args:
        fn: Function of structures of arrays to such a structure.
        num_copies: Length of the leading axis of all arguments and results.

    Returns:
        The function of structures with that leading axis.
    """
    # Vectorizing over a single copy gains nothing, but costs time to trace, and in every call on PyTorch.
    if num_copies == 1:
        return lambda *args: keras.tree.map_structure(
            lambda a: ops.expand_dims(a, 0), fn(*keras.tree.map_structure(lambda a: ops.squeeze(a, 0), args))
        )
    return lambda *args: backend.vectorize(fn, in_axes=(0,) * len(args))(*args)


def along(factors: Array, array: Array) -> Array:
    """Returns a factor for each copy in the shape and dtype that multiplies an array of all copies.

    Args:
        factors: Shape (num_copies,).
        array: The array, with the copies along its first axis.
    """
    return ops.cast(ops.reshape(factors, (-1, *(1,) * (len(array.shape) - 1))), array.dtype)
