"""Measures of the outputs alone (Jiang et al. 2020, appendix C). All take the one forward pass of `predictions`."""

import math

from keras_sharpness.complexity.trained_model import TrainedModel


def inverse_margin(trained: TrainedModel) -> float:
    """Returns 1 / gamma^2, gamma the 10th percentile of the margins (equation 22).

    Infinite where gamma is not positive: the bound then says nothing. Its absolute value would call a network that is
    wrong on half of the examples a good one.
    """
    return over_margin(trained, 1.0)


def negative_margin(trained: TrainedModel) -> float:
    """Returns -gamma, which also orders networks whose margin is negative. This package's own."""
    return -trained.margin


def cross_entropy(trained: TrainedModel) -> float:
    """Returns the mean loss on the training data."""
    return trained.predictions.loss


def negative_entropy(trained: TrainedModel) -> float:
    """Returns (1 / m) sum_i sum_j p_i[j] log p_i[j], p_i the predicted probabilities of example i."""
    return -trained.predictions.entropy


def over_margin(trained: TrainedModel, number: float) -> float:
    """Returns a number over gamma^2; infinite where gamma is not positive.

    Args:
        trained: The trained model.
        number: The number.
    """
    return number / trained.margin**2 if trained.margin > 0 else math.inf
