"""Measures that only count weights (Jiang et al. 2020, appendix C)."""

import math

import numpy as np

from keras_sharpness.complexity.trained_model import TrainedModel

CONFIDENCE = 0.01
"""The probability delta with which a bound of Jiang et al. may fail."""


def num_params(trained: TrainedModel) -> float:
    """Returns the number of weights, kernels and biases, batch normalization folded in.

    Jiang et al., equation 20: sum_i k_i^2 c_{i-1} (c_i + 1), with k_i x k_i the taps and c_i the channels of layer i.
    The papers' networks give each layer one size; here it is counted what there is.
    """
    return float(trained.vector.size)


def vc_bound(trained: TrainedModel) -> float:
    """Returns the bound that follows from the VC dimension of a convolutional network.

    (4000 sqrt(d log2(6 d n)^3 sum_i k_i^2 c_i c_{i-1}) + sqrt(log(1 / delta)))^2, with d the layers, n x n the size of
    the input, k_i^2 c_i c_{i-1} the size of a kernel, and delta = 0.01. A dense network has n = 1.
    """
    d, sizes = trained.depth, sum(layer.kernel.size for layer in trained.layers)
    growth = 4000 * math.sqrt(d * math.log2(6 * d * width(trained)) ** 3 * sizes)
    return (growth + math.sqrt(math.log(1 / CONFIDENCE))) ** 2


def width(trained: TrainedModel) -> float:
    """Returns n, where the input of the first convolution has n x n positions; 1 without convolutions.

    Args:
        trained: The trained model.
    """
    sizes = next((layer.sizes for layer in trained.layers if layer.sizes), ())
    return math.sqrt(np.prod([size or 1 for size in sizes], dtype=float))
