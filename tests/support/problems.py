"""Losses whose maximum in every ball is known."""

import numpy as np
from keras import ops

WEIGHTS = np.array([0.7, -1.2, 0.3, 0.0], "float32")
GRADIENT = np.array([1.5, -0.5, -2.0, 1.0], "float32")
CURVATURES = np.array([2.0, 1.0, 30.0, 5.0], "float32")
# The norm that is dual to each.
DUAL = {"linf": 1, "l2": 2, "l1": np.inf}
SCALINGS = ("adaptive", "none", "per_layer")


def scale_of(scaling):
    size = np.linalg.norm(WEIGHTS)
    return {"adaptive": np.abs(WEIGHTS), "none": np.ones(4), "per_layer": np.full(4, size)}[scaling]


def reach(rho, norm, scaling):
    """The furthest that g.delta gets in the ball: rho times the dual norm of c g."""
    return rho * np.linalg.norm(scale_of(scaling) * GRADIENT, DUAL[norm])


def linear(delta):
    return ops.sum(ops.convert_to_tensor(GRADIENT) * delta[0])


def logistic(delta):
    """The loss of one example with label one and logit 0.4 - g.delta."""
    return ops.softplus(linear(delta) - 0.4)


def neuron(delta):
    """The squared output of one ReLU neuron."""
    return ops.relu(1.0 + linear(delta)) ** 2


def monotone(delta):
    """The sum of the three above: all rise with g.delta, and with nothing else."""
    return linear(delta) + logistic(delta) + neuron(delta)


def largest_monotone(rho, norm, scaling):
    """The maximum of that sum in the ball."""
    z = reach(rho, norm, scaling)
    return z + np.log1p(np.exp(z - 0.4)) + (1 + z) ** 2


def quadratic(delta):
    """A loss at its minimum, where the gradient is zero."""
    return 0.5 * ops.sum(ops.convert_to_tensor(CURVATURES) * delta[0] ** 2)


def largest_quadratic(rho, norm, scaling):
    """Its maximum in the ball."""
    scaled = scale_of(scaling) ** 2 * CURVATURES
    return 0.5 * rho**2 * (scaled.sum() if norm == "linf" else scaled.max())
