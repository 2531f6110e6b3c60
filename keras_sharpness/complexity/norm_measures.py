"""Norms of the layers, and these over the margin (Jiang et al. 2020, appendix C).

W_i are the layers, batch normalization folded in; W_i0 the same before training. ||W_i||_2 is the operator norm of the
layer, exact for convolutions on inputs of its size (with `reshaped`: that of the kernel as a matrix). ||W_i||_F is the
root of the sum of the squared entries of the kernel. d is the number of layers and gamma the margin. Products are taken
as sums of logarithms.
"""

import math

import numpy as np

from keras_sharpness.complexity.counts import CONFIDENCE, width
from keras_sharpness.complexity.margin_measures import over_margin
from keras_sharpness.complexity.trained_model import TrainedModel


def spectral_init(trained: TrainedModel) -> float:
    """Returns the margin bound of Pitas et al. 2017 (arXiv:1801.00171), with distances from the initial weights.

    ((84 B sum_i k_i sqrt(c_i) + sqrt(ln(4 n^2 d)))^2 prod_i ||W_i||_2^2 sum_i ||W_i - W_i0||_F^2 / ||W_i||_2^2
    + ln(m / delta)) / gamma^2, with B the largest norm of an input, k_i the width of the kernel, c_i the outputs, n x n
    the size of the input, m the examples and delta = 0.01.
    """
    return _bound(trained, trained.distances)


def spectral_orig(trained: TrainedModel) -> float:
    """Returns the same with ||W_i||_F in place of ||W_i - W_i0||_F."""
    return _bound(trained, trained.frobenius_norms)


def spectral_init_main(trained: TrainedModel, reshaped: bool = False) -> float:
    """Returns prod_i ||W_i||_2^2 sum_j (||W_j - W_j0||_F^2 / ||W_j||_2^2) / gamma^2 (equation 29)."""
    ratios = _ratios(trained.distances, _spectral(trained, reshaped))
    return over_margin(trained, prod_of_spec(trained, reshaped) * ratios)


def spectral_orig_main(trained: TrainedModel, reshaped: bool = False) -> float:
    """Returns prod_i ||W_i||_2^2 sum_j (||W_j||_F^2 / ||W_j||_2^2) / gamma^2 (equation 30)."""
    return over_margin(trained, prod_of_spec(trained, reshaped) * fro_over_spec(trained, reshaped))


def prod_of_spec_over_margin(trained: TrainedModel, reshaped: bool = False) -> float:
    """Returns prod_i ||W_i||_2^2 / gamma^2 (equation 31)."""
    return over_margin(trained, prod_of_spec(trained, reshaped))


def prod_of_spec(trained: TrainedModel, reshaped: bool = False) -> float:
    """Returns prod_i ||W_i||_2^2 (equation 32)."""
    return _product(_spectral(trained, reshaped))


def fro_over_spec(trained: TrainedModel, reshaped: bool = False) -> float:
    """Returns sum_i ||W_i||_F^2 / ||W_i||_2^2 (equation 33)."""
    return _ratios(trained.frobenius_norms, _spectral(trained, reshaped))


def sum_of_spec_over_margin(trained: TrainedModel, reshaped: bool = False) -> float:
    """Returns d (prod_i ||W_i||_2^2 / gamma^2)^(1/d) (equation 34)."""
    return trained.depth * prod_of_spec_over_margin(trained, reshaped) ** (1 / trained.depth)


def sum_of_spec(trained: TrainedModel, reshaped: bool = False) -> float:
    """Returns d (prod_i ||W_i||_2^2)^(1/d) (equation 35)."""
    return trained.depth * prod_of_spec(trained, reshaped) ** (1 / trained.depth)


def prod_of_fro_over_margin(trained: TrainedModel) -> float:
    """Returns prod_i ||W_i||_F^2 / gamma^2 (equation 36)."""
    return over_margin(trained, prod_of_fro(trained))


def prod_of_fro(trained: TrainedModel) -> float:
    """Returns prod_i ||W_i||_F^2 (equation 37)."""
    return _product(trained.frobenius_norms)


def sum_of_fro_over_margin(trained: TrainedModel) -> float:
    """Returns d (prod_i ||W_i||_F^2 / gamma^2)^(1/d) (equation 38)."""
    return trained.depth * prod_of_fro_over_margin(trained) ** (1 / trained.depth)


def sum_of_fro(trained: TrainedModel) -> float:
    """Returns d (prod_i ||W_i||_F^2)^(1/d) (equation 39)."""
    return trained.depth * prod_of_fro(trained) ** (1 / trained.depth)


def dist_from_init(trained: TrainedModel) -> float:
    """Returns sum_i ||W_i - W_i0||_F^2 (equation 40), of layers of any kind where no normalization is to be folded."""
    return _squares(trained.kernel_moves)


def dist_spec_init(trained: TrainedModel, reshaped: bool = False) -> float:
    """Returns sum_i ||W_i - W_i0||_2^2 (equation 41)."""
    return float(np.sum((trained.reshaped_distance_norms if reshaped else trained.distance_norms) ** 2))


def param_norm(trained: TrainedModel) -> float:
    """Returns sum_i ||W_i||_F^2 (equation 42), of layers of any kind where no normalization is to be folded."""
    return _squares(trained.kernels)


def path_norm_over_margin(trained: TrainedModel) -> float:
    """Returns sum_i f_{w^2}(1)[i] / gamma^2 (equation 43)."""
    return over_margin(trained, trained.path_norm)


def path_norm(trained: TrainedModel) -> float:
    """Returns sum_i f_{w^2}(1)[i], f_{w^2} the network of squared weights without activations (equation 44)."""
    return trained.path_norm


def l2_norm(trained: TrainedModel) -> float:
    """Returns ||w||_2 of all weights, biases too (Dziugaite et al. 2020)."""
    return float(np.linalg.norm(trained.vector))


def l2_distance(trained: TrainedModel) -> float:
    """Returns ||w - w0||_2 of all weights, biases too (Dziugaite et al. 2020)."""
    return float(np.linalg.norm(trained.displacement))


def _bound(trained: TrainedModel, norms: np.ndarray) -> float:
    widths = [
        float(np.prod(layer.kernel.shape[:-2])) ** (1 / max(layer.kernel.ndim - 2, 1)) for layer in trained.layers
    ]
    channels = sum(k * math.sqrt(len(layer.bias)) for k, layer in zip(widths, trained.layers, strict=True))
    logs = math.sqrt(math.log(4 * width(trained) ** 2 * trained.depth))
    factor = (84 * trained.largest_input * channels + logs) ** 2
    main = prod_of_spec(trained) * _ratios(norms, trained.spectral_norms)
    return over_margin(trained, factor * main + math.log(trained.num_examples / CONFIDENCE))


def _spectral(trained: TrainedModel, reshaped: bool) -> np.ndarray:
    return trained.reshaped_norms if reshaped else trained.spectral_norms


def _ratios(frobenius: np.ndarray, spectral: np.ndarray) -> float:
    # A layer of zeros has no ratio.
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.sum(frobenius**2 / spectral**2))


def _squares(arrays: list[np.ndarray]) -> float:
    return float(sum(np.vdot(array, array) for array in arrays))


def _product(norms: np.ndarray) -> float:
    with np.errstate(divide="ignore", over="ignore"):
        return float(np.exp(2 * np.sum(np.log(norms))))
