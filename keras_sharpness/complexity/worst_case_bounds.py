"""The six measures of the worst case: flatness in a box (Jiang et al. 2020, appendix C).

alpha is the radius of the box |u_i| <= alpha in which the worst training accuracy is 0.1 lower; see `worst_radius`. w,
w0, omega and m are as in `pac_bayes`. alpha' is that of the box |u_i| <= alpha' |w_i|.
"""

import math
from collections.abc import Callable

import numpy as np

from keras_sharpness.complexity.counts import CONFIDENCE
from keras_sharpness.complexity.definition import Value
from keras_sharpness.complexity.pac_bayes import flatness, log_ratios
from keras_sharpness.complexity.trained_model import TrainedModel


def sharpness_init(trained: TrainedModel) -> Value:
    """Returns ||w - w0||_2^2 log(2 omega) / (4 alpha^2) + log(m / alpha) + 10."""
    return _plain(trained, trained.displacement)


def sharpness_orig(trained: TrainedModel) -> Value:
    """Returns ||w||_2^2 log(2 omega) / (4 alpha^2) + log(m / alpha) + 10."""
    return _plain(trained, trained.vector)


def sharpness_flatness(trained: TrainedModel) -> Value:
    """Returns 1 / alpha^2."""
    return flatness(trained.radius)


def sharpness_mag_init(trained: TrainedModel) -> Value:
    """Returns the bound of the box that grows with the weights, around the initial weights.

    1/4 sum_i log((epsilon^2 + (alpha'^2 + 4 log(2 omega / delta)) ||w - w0||_2^2 / omega)
    / (epsilon^2 + alpha'^2 |w_i - w0_i|^2)) + log(m / delta) + 10, with delta = 0.01.
    """
    return _aware(trained, trained.displacement)


def sharpness_mag_orig(trained: TrainedModel) -> Value:
    """Returns the same around the origin, w in place of w - w0."""
    return _aware(trained, trained.vector)


def sharpness_mag_flatness(trained: TrainedModel) -> Value:
    """Returns 1 / alpha'^2."""
    return flatness(trained.magnitude_radius)


def _plain(trained: TrainedModel, vector: np.ndarray) -> Value:
    squares = float(vector @ vector) * math.log(2 * vector.size) / 4
    m = trained.num_examples
    bound: Callable[[float], float] = lambda alpha: squares / alpha**2 + math.log(m / alpha) + 10  # noqa: E731
    return Value(*trained.radius.through(bound))


def _aware(trained: TrainedModel, vector: np.ndarray) -> Value:
    addend = 4 * math.log(2 * vector.size / CONFIDENCE)
    rest = math.log(trained.num_examples / CONFIDENCE) + 10
    return Value(*trained.magnitude_radius.through(lambda alpha: log_ratios(vector, alpha**2, addend) + rest))
