"""Standard error of Kendall's tau from leaving out each model in turn.

For large pools, where the bootstrap would take too long: pairs are counted in n log^2 n time (see `pairs`).
With 50 models and more its normal interval on Fisher's z covers as the bootstrap does (see `intervals`).
"""

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

from keras_sharpness.statistics.pairs import pair_sums


def leave_one_out(x: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Returns tau-b of the pool without each model in turn.

    Args:
        x: One finite value per model, shape (num_models,).
        y: The same of another quantity.

    Returns:
        Shape (num_models,).
    """
    return pair_sums(x, y).left_out


def jackknife_interval(x: ArrayLike, y: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Returns the standard error of tau-b and an interval that is symmetric in Fisher's z = artanh(tau).

    Args:
        x: One finite value per model, shape (num_models,).
        y: The same of another quantity.
        confidence: Nominal coverage, between 0 and 1.

    Returns:
        Standard error, lower and upper end.
    """
    tau = float(scipy.stats.kendalltau(np.asarray(x), np.asarray(y)).statistic)
    taus = leave_one_out(x, y)
    num_models = len(taus)
    error = float(np.sqrt((num_models - 1) / num_models * ((taus - taus.mean()) ** 2).sum()))
    if np.isclose(abs(tau), 1):
        return error, float(np.sign(tau)), float(np.sign(tau))
    reach = scipy.stats.norm.ppf((1 + confidence) / 2) * error / (1 - tau**2)
    low, high = np.tanh(np.arctanh(tau) + np.array([-reach, reach]))
    return error, float(low), float(high)
