"""Ascents on plain functions, without a model."""

from keras import ops

from keras_sharpness import backend
from keras_sharpness.maximizers import ascend
from keras_sharpness.maximizers.ascent import Values


def climb(maximizer, loss, region, start):
    """Climbs from points with a leading axis; `loss` takes one of them to a scalar. Returns path and best points."""
    each = backend.vectorize(loss, in_axes=(0,))

    def values(delta):
        losses = each(delta)
        return Values(losses, ops.zeros_like(losses))

    def values_and_gradients(delta):
        (_, met), gradient = backend.value_and_grad(lambda d: (lambda v: (ops.sum(v.losses), v))(values(d)), True)(
            delta
        )
        return met, gradient

    run = backend.compile(
        lambda start: tuple(ascend(maximizer, values, values_and_gradients, region, start, keep_best=True))
    )
    path, best = run(start)
    return ops.convert_to_numpy(path), [ops.convert_to_numpy(b) for b in best]
