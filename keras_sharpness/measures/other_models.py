"""The ways from one model to others of the same architecture, as axes through the weights."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_sharpness.arrays import tree
from keras_sharpness.errors import require
from keras_sharpness.measures.along import Axis
from keras_sharpness.measures.sample import Sample
from keras_sharpness.objective.objective import values
from keras_sharpness.typing import Array, State, Weights


def axis_to(other: keras.Model, sample: Sample) -> Axis:
    """Returns the axis whose unit is the way from the sample's model to another.

    Weights that do not move stay. Non-trainable variables, such as the statistics of batch normalization, go along with
    it: each model has its own at its own point, and between the two they are interpolated as the weights are.

    Args:
        other: The other model.
        sample: The sample.

    Raises:
        InputError: If the models are of different architectures, or have the same weights.
    """
    here, there = sample.values(), values(other)
    shapes = [[tuple(array.shape) for part in model for array in part] for model in (here, there)]
    what = f"a model must have the weights of {sample.model.name!r}, in shape and order"
    require(shapes[0] == shapes[1], what, model=other.name, shapes=shapes[1])
    vector, mask = [ops.cast(b, a.dtype) - a for a, b in zip(here[0], there[0], strict=True)], sample.mask()
    vector = vector if mask is None else tree.multiply(vector, mask)
    require(_dot(vector, vector) > 0, "models must have different weights", model=other.name)
    moves = [_way(a, b) for a, b in zip(here[1], there[1], strict=True)]
    return Axis(vector, f"to {other.name}", moves if any(move is not None for move in moves) else None)


def orthonormal(axes: Sequence[Axis]) -> list[Axis]:
    """Returns two axes of the same plane that are orthogonal and of length one (arXiv:1802.10026, section 3).

        u = w2 - w1,    v = (w3 - w1) - <w3 - w1, u> / ||u||^2 u,    divided by their lengths

    Args:
        axes: Two axes.

    Raises:
        InputError: If the three models lie on a line.
    """
    first, second = (_scaled(axis, 1 / _length(axis)) for axis in axes)
    across = _sum(second, _scaled(first, -_dot(first.vector, second.vector)))
    # Below, the rest is rounding of float32.
    require(_length(across) > 1e-5, "the models must not lie on a line", models=[axis.label for axis in axes])
    units = (first, axes[0].label), (_scaled(across, 1 / _length(across)), axes[1].label)
    return [axis._replace(label=f"distance {label}") for axis, label in units]


def _way(a: Array, b: Array) -> Array | None:
    """Returns how far a non-trainable variable goes; None for those that are equal, or no numbers on a line."""
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(a.dtype)):
        return None
    way = ops.cast(b, a.dtype) - a
    return way if ops.convert_to_numpy(way).any() else None


def _scaled(axis: Axis, factor: float) -> Axis:
    state = None if axis.state is None else [None if s is None else factor * s for s in axis.state]
    return Axis([factor * v for v in axis.vector], axis.label, state)


def _sum(a: Axis, b: Axis) -> Axis:
    """Returns the sum of two axes, under the name of the first."""
    vector: Weights = tree.add(a.vector, b.vector)
    if a.state is None or b.state is None:
        return Axis(vector, a.label, a.state or b.state)
    state: State = [t if s is None else s if t is None else s + t for s, t in zip(a.state, b.state, strict=True)]
    return Axis(vector, a.label, state)


def _length(axis: Axis) -> float:
    return float(np.sqrt(_dot(axis.vector, axis.vector)))


def _dot(a: Weights, b: Weights) -> float:
    """Returns the inner product, in float64."""
    pairs = ((ops.convert_to_numpy(x).astype(np.float64), ops.convert_to_numpy(y)) for x, y in zip(a, b, strict=True))
    return float(sum(np.vdot(x, y) for x, y in pairs))
