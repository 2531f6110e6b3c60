"""A scan as a Python loop, for PyTorch and for steps that are faster outside a compiled loop."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_sharpness import backend


def unrolled(
    step: Callable[..., Any], carry: Any, xs: Any = None, length: int | None = None, outputs: Any = None
) -> tuple[Any, ...]:
    """Does what `contract.Backend.scan` does, in a Python loop.

    Inside a compiled function the loop is unrolled; outside, its step may be compiled.

    Args:
        step: From (carry, x) to (carry, y).
        carry: The first carry.
        xs: Structure of tensors whose leading axes the steps go along.
        length: Number of steps if `xs` is None.
        outputs: Not needed here; see `scan`.

    Returns:
        The last carry, and each tensor of y stacked.
    """
    size = (length or 0) if xs is None else keras.tree.flatten(xs)[0].shape[0]
    if size == 0:
        return carry, _empty(step, carry, xs)
    ys = []
    for i in range(size):
        carry, y = step(carry, None if xs is None else keras.tree.map_structure(lambda a, i=i: a[i], xs))
        ys.append(y)
    return carry, keras.tree.map_structure(lambda *leaves: ops.stack(leaves), *ys)


def _empty(step: Callable[..., Any], carry: Any, xs: Any) -> Any:
    """Returns the stack of no outputs. Their shapes come from one step, which PyTorch runs and the others trace."""
    x = None if xs is None else keras.tree.map_structure(lambda a: ops.zeros(a.shape[1:], a.dtype), xs)
    _, y = backend.outline(step, carry, x)
    return keras.tree.map_structure(lambda a: ops.zeros((0, *a.shape), keras.backend.standardize_dtype(a.dtype)), y)
