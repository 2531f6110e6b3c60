"""The scale c: how far one unit of radius moves each weight."""

from keras import ops

from keras_sharpness.typing import Weights


def adaptive(weights: Weights) -> Weights:
    """Returns c = |w|: sharpness then ignores rescalings of the weights that keep the function (arXiv:2102.11600)."""
    return [ops.abs(w) for w in weights]


def none(weights: Weights) -> Weights:
    """Returns c = 1: standard sharpness."""
    return [ops.ones_like(w) for w in weights]


SCALINGS = {"adaptive": adaptive, "none": none}
