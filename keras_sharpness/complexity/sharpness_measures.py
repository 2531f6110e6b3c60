"""This package's own measures of sharpness, with their defaults; see the module of each in `measures`."""

import math

from keras_sharpness.complexity.definition import Value
from keras_sharpness.complexity.trained_model import TrainedModel
from keras_sharpness.measures import hessian
from keras_sharpness.measures.average_case import AverageCaseSharpness
from keras_sharpness.measures.critical import critical_sharpness as sharpness_along_gradient
from keras_sharpness.measures.estimate import Estimate
from keras_sharpness.measures.fisher_rao import fisher_rao_norm
from keras_sharpness.measures.flatness import relative_flatness as flatness_of_layer
from keras_sharpness.measures.gradient import gradient_norm as norm_of_gradient
from keras_sharpness.measures.worst_case import WorstCaseSharpness

# Gradients of single examples that are computed.
MOST_GRADIENTS = 1000


def worst_case(trained: TrainedModel) -> WorstCaseSharpness:
    """Returns the worst-case sharpness E_S max over |delta_i| <= rho |w_i| of L_S(w + delta) - L_S(w)."""
    return trained.worst_case


def worst_case_error(trained: TrainedModel) -> Value:
    """Returns the rise of the error rate at the points of `worst_case`, mean over batches."""
    return Value(trained.worst_case.error_rise, math.nan)


def average_case(trained: TrainedModel) -> AverageCaseSharpness:
    """Returns the average-case sharpness E_S E_delta [L_S(w + delta) - L_S(w)], delta_i of deviation rho |w_i|."""
    return trained.average_case


def average_case_error(trained: TrainedModel) -> Value:
    """Returns the mean rise of the error rate at the points of `average_case`."""
    return Value(trained.average_case.error_rise, math.nan)


def hessian_trace(trained: TrainedModel) -> Estimate:
    """Returns the trace of the Hessian of the mean training loss."""
    return hessian.trace(trained.sample)


def hessian_top_eigenvalue(trained: TrainedModel) -> float:
    """Returns the largest eigenvalue of the Hessian of the mean training loss."""
    return float(hessian.top_eigenvalues(trained.sample, which="largest").values[0])


def relative_flatness(trained: TrainedModel) -> Estimate:
    """Returns the relative flatness of the last layer with a kernel of two axes (arXiv:2001.00939)."""
    return flatness_of_layer(trained.sample)


def fisher_rao(trained: TrainedModel) -> Value:
    """Returns (d + 1)^2 E[<w, gradient of l(w)>^2], d the layers with weights (Jiang et al. 2020, appendix C).

    d is the number of arrays of weights that are no biases. E is over at most 1000 training examples.
    """
    found = fisher_rao_norm(trained.sample, num_examples=MOST_GRADIENTS)
    factor = (sum(len(v.shape) > 1 for v in trained.model.trainable_variables) + 1.0) ** 2
    return Value(factor * found.value, factor * found.standard_error)


def critical_sharpness(trained: TrainedModel) -> float:
    """Returns 2 / t, t the smallest learning rate at which a step along the gradient raises the loss."""
    return sharpness_along_gradient(trained.sample).value


def gradient_norm(trained: TrainedModel) -> float:
    """Returns ||gradient of the mean training loss||_2."""
    return norm_of_gradient(trained.sample)
