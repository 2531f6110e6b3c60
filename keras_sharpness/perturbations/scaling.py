"""The scale c: how far one unit of radius moves each weight."""

from keras import ops

from keras_sharpness.typing import Array, Weights


def none(weights: Weights) -> Weights:
    """Returns c = 1: standard sharpness."""
    return [ops.ones_like(w) for w in weights]


def adaptive(weights: Weights) -> Weights:
    """Returns c = |w|: sharpness then ignores rescalings of the weights that keep the function (arXiv:2102.11600)."""
    return [ops.abs(w) for w in weights]


def per_filter(weights: Weights) -> Weights:
    """Returns the Euclidean norm of each filter (arXiv:2102.11600, section 3), and |w| for biases and the like.

    A filter is all that one output channel, the last axis, is made from.
    """
    return [_norms(w, tuple(range(len(w.shape) - 1))) if len(w.shape) > 1 else ops.abs(w) for w in weights]


def per_layer(weights: Weights) -> Weights:
    """Returns the Euclidean norm of each array of weights."""
    return [_norms(w, None) for w in weights]


SCALINGS = {"adaptive": adaptive, "none": none, "per_filter": per_filter, "per_layer": per_layer}


def _norms(w: Array, axes: tuple[int, ...] | None) -> Array:
    return ops.broadcast_to(ops.sqrt(ops.sum(w * w, axis=axes, keepdims=True)), w.shape)
