"""PAC-Bayes measures: flatness under Gaussian noise (Jiang et al. 2020, appendix C).

sigma is the deviation of noise at which the mean training accuracy is 0.1 lower; see `noise_deviation`. w are all
weights, batch normalization folded in, w0 the same before training, omega their number, m the examples. sigma' is that
of noise which grows with the weights, epsilon = 0.001 its floor.
"""

import math
from collections.abc import Callable

import numpy as np

from keras_sharpness.complexity.crossing import Crossing
from keras_sharpness.complexity.definition import Value
from keras_sharpness.complexity.noise_deviation import FLOOR
from keras_sharpness.complexity.trained_model import TrainedModel


def pacbayes_init(trained: TrainedModel) -> Value:
    """Returns ||w - w0||_2^2 / (4 sigma^2) + log(m / sigma) + 10 (equation 48)."""
    return _plain(trained, trained.displacement)


def pacbayes_orig(trained: TrainedModel) -> Value:
    """Returns ||w||_2^2 / (4 sigma^2) + log(m / sigma) + 10 (equation 49)."""
    return _plain(trained, trained.vector)


def pacbayes_flatness(trained: TrainedModel) -> Value:
    """Returns 1 / sigma^2 (equation 53)."""
    return flatness(trained.deviation)


def pacbayes_mag_init(trained: TrainedModel) -> Value:
    """Returns the bound of noise that grows with the weights, around the initial weights (equation 56).

    1/4 sum_i log((epsilon^2 + (sigma'^2 + 1) ||w - w0||_2^2 / omega) / (epsilon^2 + sigma'^2 |w_i - w0_i|^2))
    + log(m / sigma') + 10.
    """
    return _aware(trained, trained.displacement)


def pacbayes_mag_orig(trained: TrainedModel) -> Value:
    """Returns the same around the origin, w in place of w - w0 (equation 57).

    The paper prints |w_i - w0_i| in the denominator of this one too, which is not what its derivation gives.
    """
    return _aware(trained, trained.vector)


def pacbayes_mag_flatness(trained: TrainedModel) -> Value:
    """Returns 1 / sigma'^2 (equation 61)."""
    return flatness(trained.magnitude_deviation)


def flatness(crossing: Crossing) -> Value:
    """Returns 1 / r^2.

    Args:
        crossing: The radius r.
    """
    return Value(*crossing.through(lambda r: 1 / r**2))


def log_ratios(vector: np.ndarray, square: float, addend: float) -> float:
    """Returns 1/4 sum_i log((epsilon^2 + (r^2 + addend) ||v||_2^2 / omega) / (epsilon^2 + r^2 v_i^2)).

    Args:
        vector: The vector v.
        square: r^2.
        addend: What is added to r^2.
    """
    top = FLOOR**2 + (square + addend) * np.mean(vector**2)
    return float(np.sum(np.log(top) - np.log(FLOOR**2 + square * vector**2)) / 4)


def _plain(trained: TrainedModel, vector: np.ndarray) -> Value:
    squares, m = float(vector @ vector), trained.num_examples
    bound: Callable[[float], float] = lambda sigma: squares / (4 * sigma**2) + math.log(m / sigma) + 10  # noqa: E731
    return Value(*trained.deviation.through(bound))


def _aware(trained: TrainedModel, vector: np.ndarray) -> Value:
    m = trained.num_examples
    bound: Callable[[float], float] = lambda sigma: log_ratios(vector, sigma**2, 1.0) + math.log(m / sigma) + 10  # noqa: E731
    return Value(*trained.magnitude_deviation.through(bound))
