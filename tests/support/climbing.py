"""Ascents on plain functions, without a model."""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.arrays import copies
from keras_sharpness.maximizers import Problem, ascend, num_starts, starting_point


class Losses(NamedTuple):
    """What is evaluated at the points of many ascents."""

    losses: Any


class Found(NamedTuple):
    """Losses and radii along each ascent, shape (n, num_steps + 1), and the best points, with a leading axis."""

    losses: np.ndarray
    radii: np.ndarray
    best: list[np.ndarray]


RECORD = {
    "losses": lambda seen: seen.values.losses,
    "radii": lambda seen: copies.for_each(seen.region.radius, seen.values.losses.shape[0])(seen.point),
}


def problem(loss, region, start) -> Problem:
    """Poses the ascents from points with a leading axis; `loss` takes one of them to a scalar."""
    each = copies.for_each(loss, start[0].shape[0])

    def total(delta):
        losses = each(delta)
        return ops.sum(losses), Losses(losses)

    def values_and_gradients(delta):
        (_, values), gradient = backend.value_and_grad(total, has_aux=True)(delta)
        return values, gradient

    return Problem(lambda delta: total(delta)[1], values_and_gradients, lambda: region, lambda: start)


def climb(maximizer, loss, region, start) -> Found:
    """Climbs from points with a leading axis; `loss` takes one of them to a scalar."""
    run = ascend(maximizer, lambda start: problem(loss, region, start), RECORD, keep_best=True)
    path, best, _ = backend.compile(run)(start)
    return Found(*(ops.convert_to_numpy(path[name]) for name in RECORD), [ops.convert_to_numpy(b) for b in best])


def starting_points(maximizer, region, batch=0):
    """Returns where the ascents of a maximizer on one batch begin, with a leading axis."""
    count = num_starts(maximizer)
    return copies.for_each(lambda start: starting_point(maximizer, region, batch, start), count)(ops.arange(count))
