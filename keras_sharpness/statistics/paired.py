"""Whether taus that share their networks differ: two of them, or all settings of a sweep.

Taus of the same networks vary together, so that their difference is known far better than from two independent pools
(`comparing`). Its variance is the jackknife's over networks: with d_i the difference without network i,
(n - 1) / n sum_i (d_i - mean d)^2. Student's distribution with n - 1 degrees of freedom gives interval and p-value.
"""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipy
from numpy.typing import ArrayLike

from keras_sharpness.errors import require
from keras_sharpness.statistics.comparing import TauDifference
from keras_sharpness.statistics.correlation import checked
from keras_sharpness.statistics.intervals import FEWEST_MODELS
from keras_sharpness.statistics.pairs import pair_sums

if TYPE_CHECKING:
    import pandas as pd

# Draws of the largest statistic; a corrected p-value of 0.05 is then known to 0.001.
NUM_DRAWS = 50_000


def compare_paired_taus(
    a: tuple[ArrayLike, ArrayLike], b: tuple[ArrayLike, ArrayLike], *, confidence: float = 0.95
) -> TauDifference:
    """Compares two taus of the same networks, row by row: two measures, two radii, two losses.

    Args:
        a: Sharpness and test loss behind the first tau, one value per network each.
        b: The same behind the second, networks in the same order.
        confidence: Nominal coverage of the interval, between 0 and 1.

    Returns:
        The difference. Where both taus agree without any network the difference is exactly 0, its interval too.

    Raises:
        InputError: If there are fewer than 15 networks, or their numbers differ, or a quantity has no tau.
    """
    require(0 < confidence < 1, "`confidence` must be between 0 and 1", confidence=confidence)
    pairs = [checked(*a, ("a[0]", "a[1]")), checked(*b, ("b[0]", "b[1]"))]
    lengths = [len(pair[0]) for pair in pairs]
    require(lengths[0] == lengths[1], "`a` and `b` must be of the same networks, in one order", lengths=lengths)
    taus, left_out = _taus(pairs)
    difference, error = float(taus[0] - taus[1]), float(np.sqrt(_covariance(left_out[:1] - left_out[1:])[0, 0]))
    t = scipy.stats.t(lengths[0] - 1)
    reach = float(t.ppf((1 + confidence) / 2)) * error
    return TauDifference(
        difference=difference,
        standard_error=error,
        p_value=float(2 * t.sf(abs(difference) / error)) if error else float(difference == 0),
        ci_low=difference - reach,
        ci_high=difference + reach,
        confidence=confidence,
    )


def compare_settings(
    measures: ArrayLike, test_loss: ArrayLike, names: Sequence[object] | None = None, *, seed: int = 0
) -> "pd.DataFrame":
    """Compares the taus of all settings of one pool with each other, such as the radii of a sweep.

    `p_value` is for one pair of settings chosen beforehand. `p_corrected` holds for all pairs at once: it compares the
    pair's |t| with the largest |t| of all pairs, drawn from the multivariate t distribution with the jackknife's
    covariance of the taus (Hothorn, Bretz and Westfall 2008, section 3.1). As settings go together, that costs less
    than a correction that takes the pairs for independent.

    Args:
        measures: One row for each setting, shape (num_settings, num_models).
        test_loss: One value per model, shape (num_models,).
        names: What the table calls the settings; None: their places.
        seed: Seed of the draws.

    Returns:
        A row for each pair of settings: first, second, difference (tau of the first less that of the second),
        standard_error, ci_low, ci_high (95 %, for the pair by itself), p_value, p_corrected.

    Raises:
        InputError: If there are fewer than two settings or 15 models, or a setting has no tau.
    """
    import pandas as pd

    rows = np.asarray(measures, dtype=float)
    require(rows.ndim == 2 and len(rows) > 1, "`measures` must have two rows or more", shape=rows.shape)
    labels = list(range(len(rows))) if names is None else list(names)
    require(len(labels) == len(rows), "`names` must hold one name per row of `measures`", names=len(labels))
    taus, left_out = _taus([checked(row, test_loss, (f"measures[{k}]", "test_loss")) for k, row in enumerate(rows)])
    first, second = np.array(list(itertools.combinations(range(len(rows)), 2))).T
    covariance = _covariance(left_out)
    difference = taus[first] - taus[second]
    variances = covariance[first, first] + covariance[second, second] - 2 * covariance[first, second]
    # Settings that order the models in one way differ by rounding only.
    error = np.sqrt(np.where(variances > 1e-14 * np.diag(covariance).max(), variances, 0))
    statistic = np.divide(abs(difference), error, out=np.zeros_like(error), where=error > 0)
    freedom = left_out.shape[1] - 1
    largest = _largest(covariance, first, second, error, freedom, np.random.default_rng(seed))
    reach = scipy.stats.t.ppf(0.975, freedom) * error
    return pd.DataFrame(
        {
            "first": [labels[k] for k in first],
            "second": [labels[k] for k in second],
            "difference": difference,
            "standard_error": error,
            "ci_low": difference - reach,
            "ci_high": difference + reach,
            "p_value": 2 * scipy.stats.t.sf(statistic, freedom),
            "p_corrected": [(1 + np.count_nonzero(largest >= value)) / (1 + NUM_DRAWS) for value in statistic],
        }
    )


def _taus(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Returns all taus, and all of them without each model: shapes (num_taus,) and (num_taus, num_models)."""
    num_models = len(pairs[0][0])
    few = f"a difference of taus must come from at least {FEWEST_MODELS} models"
    require(num_models >= FEWEST_MODELS, few, num_models=num_models)
    sums = [pair_sums(x, y) for x, y in pairs]
    return np.array([s.tau for s in sums]), np.stack([s.left_out for s in sums])


def _covariance(left_out: np.ndarray) -> np.ndarray:
    """Returns the jackknife's covariance of estimates, from their values without each model."""
    num_models = left_out.shape[1]
    centred = left_out - left_out.mean(axis=1, keepdims=True)
    return np.asarray((num_models - 1) / num_models * centred @ centred.T)


def _largest(
    covariance: np.ndarray, first: np.ndarray, second: np.ndarray, error: np.ndarray, freedom: int,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Returns draws of the largest |t| of all pairs, shape (NUM_DRAWS,)."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    contrasts = (root[first] - root[second])[error > 0] / error[error > 0, None]
    blocks = []
    for size in np.diff(np.linspace(0, NUM_DRAWS, 51, dtype=int)):  # a block at a time, to bound the memory
        draws = abs(contrasts @ rng.normal(size=(len(root), size)))
        blocks.append(draws.max(axis=0, initial=0) / np.sqrt(rng.chisquare(freedom, size) / freedom))
    return np.concatenate(blocks)
