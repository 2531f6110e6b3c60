"""Standard error of Kendall's tau from leaving out each model in turn.

For large pools, where the bootstrap would take too long: pairs are counted in n log^2 n time (see `pairs`).
With 50 models and more its normal interval on Fisher's z covers as the bootstrap does (see `intervals`).
"""

from collections.abc import Callable

import numpy as np
import scipy
from numpy.typing import ArrayLike

from keras_sharpness.statistics.pairs import pair_sums

# Parts that models are left out in, where leaving out each in turn would cost an estimate per model.
NUM_PARTS = 50
# What `student_interval` would return of a pool that is too small for it.
NO_INTERVAL = dict.fromkeys(("ci_low", "ci_high", "p_value", "standard_error"), float("nan"))


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


def leave_parts_out(num_models: int, estimate: Callable[[np.ndarray], float]) -> np.ndarray:
    """Returns an estimate from the pool without each of up to 50 parts in turn; without each model of a small pool.

    Args:
        num_models: Models in the pool.
        estimate: Maps the places of the models that stay, in ascending order, to the estimate.

    Returns:
        Shape (num_parts,).
    """
    # Models are dealt out in random order, so that no part is special.
    order = np.random.default_rng(0).permutation(num_models)
    parts = np.array_split(order, min(NUM_PARTS, num_models))
    return np.array([estimate(np.delete(np.arange(num_models), part)) for part in parts])


def student_interval(tau: float, left_out: np.ndarray, confidence: float) -> dict[str, float]:
    """Returns what `Kendall` says of a tau's precision, from what is left of it without each part of the pool.

    The jackknife's standard error of Fisher's z = artanh(tau), and Student's distribution with a degree of freedom less
    than there are parts.

    Args:
        tau: The estimate from the whole pool, between -1 and 1.
        left_out: The estimates without each part, shape (num_parts,).
        confidence: Nominal coverage, between 0 and 1.

    Returns:
        `ci_low`, `ci_high`, the two-sided `p_value` for tau = 0, and the `standard_error` of tau.
    """
    z, count = np.arctanh(left_out), len(left_out)
    error = float(np.sqrt((count - 1) / count * ((z - z.mean()) ** 2).sum()))
    t = scipy.stats.t(count - 1)
    low, high = np.tanh(np.arctanh(tau) + np.array([-1, 1]) * t.ppf((1 + confidence) / 2) * error)
    p_value = 2 * t.sf(abs(np.arctanh(tau)) / error)
    return {
        "ci_low": float(low),
        "ci_high": float(high),
        "p_value": float(p_value),
        "standard_error": error * (1 - tau**2),
    }
