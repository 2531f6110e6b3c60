"""A scan as a loop of Python's."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_sharpness import backend


def unrolled(step: Callable, carry: Any, xs: Any = None, length: int | None = None, outputs: Any = None) -> tuple:
    """Is `scan` as a Python loop: around a compiled step, or unrolled where it is compiled itself."""
    size = (length or 0) if xs is None else keras.tree.flatten(xs)[0].shape[0]
    if size == 0:
        return carry, _empty(step, carry, xs)
    ys = []
    for i in range(size):
        carry, y = step(carry, None if xs is None else keras.tree.map_structure(lambda a, i=i: a[i], xs))
        ys.append(y)
    return carry, keras.tree.map_structure(lambda *leaves: ops.stack(leaves), *ys)


def _empty(step: Callable, carry: Any, xs: Any) -> Any:
    """Returns what no steps stack: the shapes come from one step that is only traced, or on PyTorch thrown away."""
    x = None if xs is None else keras.tree.map_structure(lambda a: ops.zeros(a.shape[1:], a.dtype), xs)
    _, y = backend.outline(step, carry, x)
    return keras.tree.map_structure(lambda a: ops.zeros((0, *a.shape), keras.backend.standardize_dtype(a.dtype)), y)
