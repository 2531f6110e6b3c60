"""Permutation tests of tau, for one measure or for many measures of one pool."""

from collections.abc import Callable

import numpy as np
import scipy
from numpy.typing import ArrayLike

from keras_sharpness.errors import require, require_count
from keras_sharpness.statistics.correlation import checked

# float32 counts to here without rounding.
MOST_SUMMED = 2**24
# Models whose pairs fit the memory: 16 MB for each measure. More take one tau after another, in n log n time.
MOST_PAIRED = 2000


def permutation_p_values(
    measures: ArrayLike, test_loss: ArrayLike, *, num_permutations: int = 2000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Tests whether measures are independent of test loss, one by one and all together.

    Test losses are shuffled over the models. The first p-value of a measure compares its |tau| with its own after
    shuffling; the second, corrected for asking several questions of one pool (many rho, many m), with the largest |tau|
    of all measures (Westfall and Young 1993). Measures at neighbouring rho rank the models in nearly the same order, so
    that this costs less than a correction for independent measures.

    Args:
        measures: One row for each measure, shape (num_measures, num_models).
        test_loss: One value per model, shape (num_models,).
        num_permutations: Shuffles.
        seed: Seed of the shuffles.

    Returns:
        p-values, uncorrected and corrected, shape (num_measures,) each; never below 1 / (num_permutations + 1).

    Raises:
        InputError: If an argument is out of range.
    """
    require_count("num_permutations", num_permutations)
    rows = np.asarray(measures, float)
    require(rows.ndim == 2, "`measures` must have shape (num_measures, num_models)", shape=rows.shape)
    pairs = [checked(row, test_loss, (f"measures[{k}]", "test_loss")) for k, row in enumerate(rows)]
    target = pairs[0][1]
    num_models = len(target)
    sizes = (_in_turn if num_models > MOST_PAIRED else _of_pairs)(rows, target)
    observed = sizes(np.arange(num_models))
    rng = np.random.default_rng(seed)
    single, largest = np.ones(len(rows)), np.ones(len(rows))
    for _ in range(num_permutations):
        shuffled = sizes(rng.permutation(num_models))
        # Rounding must not tell equal ones apart.
        single += shuffled >= observed - 1e-9
        largest += shuffled.max() >= observed - 1e-9
    return single / (num_permutations + 1), largest / (num_permutations + 1)


def _of_pairs(rows: np.ndarray, target: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Returns the function from an order of the targets to |tau| of each row, by all pairs of models."""
    signs, pool = np.stack([_signs(row) for row in rows]), _signs(target)
    norms = np.sqrt(np.count_nonzero(signs, axis=(1, 2)).astype(float) * np.count_nonzero(pool))
    flat = signs.reshape(len(signs), -1)
    return lambda order: np.abs(_products(flat, pool[np.ix_(order, order)].ravel())) / norms


def _in_turn(rows: np.ndarray, target: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Returns the same function as `_of_pairs`, without its memory."""
    return lambda order: np.abs([scipy.stats.kendalltau(row, target[order]).statistic for row in rows])


def _products(rows: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Returns rows @ signs, exact: float32 holds the sum of a segment, float64 the sum of these."""
    starts = range(0, signs.size, MOST_SUMMED)
    parts = [rows[:, start : start + MOST_SUMMED] @ signs[start : start + MOST_SUMMED] for start in starts]
    return np.asarray(np.sum(parts, axis=0, dtype=np.float64))


def _signs(values: np.ndarray) -> np.ndarray:
    ranks = np.unique(values, return_inverse=True)[1]
    return np.sign(ranks[:, None] - ranks[None, :]).astype(np.float32)
