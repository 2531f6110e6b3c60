"""Derivatives along a direction by central differences, where those of the backend are missing or wrong.

    F'(w) v = ( F(w + h v) - F(w - h v) ) / 2h + O(h^2)

With F the gradient of a loss, this is the Hessian times v, from first derivatives alone. h moves the weights by a share
of their own length: the cube root of the rounding error balances it against the O(h^2).
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_sharpness import backend
from keras_sharpness.arrays import tree
from keras_sharpness.typing import Array, Weights

_SHARES = {"float64": 6e-6}
_SHARE = 5e-3


def hvp(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function that multiplies by a Hessian, as that of the backend.

    Args:
        fn: From a list of arrays to a scalar.
    """

    def wrapped(point: Weights, direction: Weights) -> Weights:
        return keras.tree.flatten(_along(lambda at: backend.value_and_grad(fn)(at)[1], point, direction))

    return wrapped


def jvp(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function that multiplies by a Jacobian from the right, as that of the backend.

    Args:
        fn: From a list of arrays to a structure of float arrays.
    """
    return lambda point, direction: (fn(point), _along(fn, point, direction))


def _along(fn: Callable[..., Any], point: Weights, direction: Weights) -> Any:
    step = _step(point, direction)
    ahead, behind = (fn(tree.add_scaled(point, sign * step, direction)) for sign in (1.0, -1.0))
    return keras.tree.map_structure(lambda a, b: (a - b) / ops.cast(2 * step, a.dtype), ahead, behind)


def _step(point: Weights, direction: Weights) -> Array:
    share = _SHARES.get(keras.backend.standardize_dtype(point[0].dtype), _SHARE)
    length, size = tree.norm_l2(point), tree.norm_l2(direction)
    return share * ops.where(length > 0, length, 1.0) / ops.where(size > 0, size, 1.0)
