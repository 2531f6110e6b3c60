"""The loss of a 3-4-2 tanh network in float64 NumPy, its weights given as one vector."""

import numpy as np


def unflatten(vector, model):
    arrays, start = [], 0
    for variable in model.trainable_variables:
        size = int(np.prod(variable.shape))
        arrays.append(vector[start : start + size].reshape(variable.shape))
        start += size
    return arrays


def loss_at(vector, model, x, y):
    """The mean squared error in float64 NumPy, weights given as one vector."""
    kernel, bias, out_kernel, out_bias = unflatten(vector, model)
    outputs = np.tanh(x.astype(np.float64) @ kernel + bias) @ out_kernel + out_bias
    return np.mean((outputs - y) ** 2)
