"""tau-b and its p-value: the numbers of `scipy.stats.kendalltau`, without loading `scipy.stats`.

That module takes longer to load than a small study takes to train. Only the exact p-value of small pools needs it.
"""

import math

import numpy as np
import scipy

from keras_sharpness.statistics.pairs import pair_sums

# `scipy.stats.kendalltau` takes the exact distribution up to here if there are no ties.
MOST_EXACT = 33


def tau_and_p_value(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Returns tau-b and the two-sided p-value for the hypothesis that two quantities are independent.

    Args:
        x: One finite value per model, shape (num_models,), not all equal.
        y: The same of another quantity.
    """
    size, pairs = len(x), len(x) * (len(x) - 1) // 2
    sums = pair_sums(x, y)
    balance, untied_x, untied_y = (int(s.sum()) // 2 for s in (sums.balance, sums.untied_x, sums.untied_y))
    no_ties = untied_x == pairs == untied_y
    if no_ties and (size <= MOST_EXACT or pairs - abs(balance) <= 2):
        found = scipy.stats.kendalltau(x, y)
        return float(found.statistic), float(found.pvalue)
    tau = balance / math.sqrt(untied_x) / math.sqrt(untied_y)
    z = balance / math.sqrt(_variance(size, x, y))
    return min(1.0, max(-1.0, tau)), math.erfc(abs(z) / math.sqrt(2))


def _variance(size: int, x: np.ndarray, y: np.ndarray) -> float:
    """Returns the variance of concordant minus discordant pairs of independent quantities (Kendall 1970)."""
    (pairs_x, triples_x, weighted_x), (pairs_y, triples_y, weighted_y) = _ties(x), _ties(y)
    m = size * (size - 1.0)
    return (
        (m * (2 * size + 5) - weighted_x - weighted_y) / 18
        + (2 * pairs_x * pairs_y) / m
        + triples_x * triples_y / (9 * m * (size - 2))
    )


def _ties(values: np.ndarray) -> tuple[int, int, int]:
    count = np.unique(values, return_counts=True)[1]
    sums = (count * (count - 1) // 2, count * (count - 1) * (count - 2), count * (count - 1) * (2 * count + 5))
    pairs, triples, weighted = (int(s.sum()) for s in sums)
    return pairs, triples, weighted
