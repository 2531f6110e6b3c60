"""Standard error of Kendall's tau from leaving out each model in turn.

For large pools, where the bootstrap's matrix of pairs would be too large: sums over pairs are taken a block at a time.
With 50 models and more its normal interval on Fisher's z covers as the bootstrap does (see `intervals`).
"""

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

# Pairs held at once: some 100 MB with their temporaries.
BLOCK_PAIRS = 2**23


def leave_one_out(x: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Returns tau-b of the pool without each model in turn.

    Args:
        x: One finite value per model, shape (num_models,).
        y: The same of another quantity.

    Returns:
        Shape (num_models,).
    """
    ranks = [scipy.stats.rankdata(values, method="dense").astype(np.int32) for values in map(np.asarray, (x, y))]
    concordance, untied_x, untied_y = _pair_sums(*ranks)
    left = [sums.sum() - 2 * sums for sums in (concordance, untied_x, untied_y)]
    return left[0] / np.sqrt(left[1] * left[2])


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


def _pair_sums(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns concordant minus discordant pairs of each model, and its pairs not tied in x and in y."""
    sums = np.zeros((3, len(x)))
    step = max(1, BLOCK_PAIRS // len(x))
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        signs_x, signs_y = (np.sign(v[rows, None] - v[None, :]).astype(np.int8) for v in (x, y))
        sums[0, rows] = (signs_x * signs_y).sum(axis=1, dtype=np.int64)
        sums[1, rows] = np.count_nonzero(signs_x, axis=1)
        sums[2, rows] = np.count_nonzero(signs_y, axis=1)
    return sums[0], sums[1], sums[2]
