"""Whether perturbations are lost in the rounding of the type that a layer computes in."""

import logging

import keras
import numpy as np
from keras import ops

from keras_sharpness.backend.internals import flatten_layers
from keras_sharpness.measures.sample import Sample
from keras_sharpness.perturbations import Ball
from keras_sharpness.typing import Array

log = logging.getLogger(__name__)
# Distance from 1 to the next number.
SPACING = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
# Weights that stand still, as a share, from which on a warning is due.
MOST_STILL = 0.01


def warn_of_rounding(sample: Sample, ball: Ball) -> None:
    """Warns, once for each sample and ball, if weights plus their largest perturbation round to the weights.

    Layers of mixed precision round their weights, and the perturbation with them, to 16 bits in every pass.

    Args:
        sample: Model and weights that move.
        ball: The set of perturbations.
    """
    if ball in sample.warned or not ball.rho:
        return
    sample.warned.add(ball)
    weights, scales = sample.values()[0], ball.around(sample.values()[0], sample.mask()).scale
    dtypes = compute_dtypes(sample.model)
    needed = [_radius(w, c, dtype) for w, c, dtype in zip(weights, scales, dtypes, strict=True)]
    if ball.rho >= max(needed):
        return
    counts = [_still(w, c, ball.rho, dtype) for w, c, dtype in zip(weights, scales, dtypes, strict=True)]
    still, moving = np.sum(counts, axis=0)
    if still > MOST_STILL * moving:
        log.warning(
            "rho=%.3g is below the resolution of %s for %.0f %% of the weights, which stand still: all move from "
            "rho=%.2g on",
            *(ball.rho, _names(dtypes, counts), 100 * still / moving, max(needed)),
        )


def compute_dtypes(model: keras.Model) -> list[str]:
    """Returns the coarsest type that each trainable weight is rounded to: its own, or that its layer computes in.

    Args:
        model: The model.
    """
    layers = sorted([model, *flatten_layers(model)], key=lambda layer: -len(layer.trainable_variables))
    # The innermost layer of a weight has the fewest.
    types = {id(v): layer.compute_dtype for layer in layers for v in layer.trainable_variables}
    return [
        max((str(v.dtype), types[id(v)]), key=lambda name: SPACING.get(name, 0.0)) for v in model.trainable_variables
    ]


def _radius(weight: Array, scale: Array, dtype: str) -> float:
    """Returns the radius from which on all entries of a weight move: half a spacing, at most, in units of the scale."""
    moves = scale > 0
    ratio = ops.max(ops.where(moves, ops.abs(weight) / ops.where(moves, scale, 1.0), 0.0))
    return SPACING.get(dtype, 0.0) / 2 * float(ops.convert_to_numpy(ratio))


def _still(weight: Array, scale: Array, rho: float, dtype: str) -> tuple[int, int]:
    """Returns how many entries stand still, of how many that should move."""
    rounded, moves = ops.cast(weight, dtype), scale > 0
    up, down = (ops.cast(weight + sign * float(rho) * scale, dtype) == rounded for sign in (1, -1))
    still = ops.logical_and(moves, ops.logical_and(up, down))
    return _count(still), _count(moves)


def _count(entries: Array) -> int:
    return int(ops.sum(ops.cast(entries, "int32")))


def _names(dtypes: list[str], counts: list[tuple[int, int]]) -> str:
    return " and ".join(sorted({dtype for dtype, (still, _) in zip(dtypes, counts, strict=True) if still}))
