"""How large a pool must be, and how far a small one's sign can be trusted.

For pairs that are bivariate normal with correlation r, tau = (2 / pi) arcsin(r), and the variance of its estimate has a
closed form (Esscher 1924; Kendall and Gibbons 1990, chapter 10):

    var(tau) = 2 / (n (n - 1)) * (1 - tau^2 + 2 (n - 2) (1 / 9 - (4 / pi^2) arcsin(r / 2)^2))
"""

import numpy as np
import scipy

from keras_sharpness.errors import require


def tau_standard_deviation(tau: float, num_models: int) -> float:
    """Returns the standard deviation of tau over pools of bivariate normal pairs; for tau = 0 of any independent ones.

    Args:
        tau: The true tau.
        num_models: Models in a pool, two or more.

    Raises:
        InputError: If tau is not between -1 and 1, or there are too few models.
    """
    require(-1 <= tau <= 1, "`tau` must be between -1 and 1", tau=tau)
    require(num_models >= 2, "`num_models` must be at least 2", num_models=num_models)
    n, half = num_models, np.arcsin(np.sin(np.pi * tau / 2) / 2)
    # At tau = 1 and -1 both terms are zero, up to rounding.
    variance = 2 / (n * (n - 1)) * (1 - tau**2 + 2 * (n - 2) * (1 / 9 - 4 / np.pi**2 * half**2))
    return float(np.sqrt(variance)) if abs(tau) < 1 else 0.0


def power(tau: float, num_models: int, level: float = 0.05) -> float:
    """Returns the share of pools in which the two-sided test at a level finds that tau is not zero.

    Args:
        tau: The true tau.
        num_models: Models in a pool.
        level: Level of the test.

    Raises:
        InputError: If an argument is out of range.
    """
    bound = _bound(num_models, level)
    return _share_above(bound, tau, num_models) + _share_above(bound, -tau, num_models)


def pool_size(tau: float, wanted_power: float = 0.8, level: float = 0.05) -> int:
    """Returns the models that a pool must have to tell a tau from zero.

    Args:
        tau: The true tau, not zero.
        wanted_power: Share of pools that shall find it.
        level: Level of the two-sided test.

    Raises:
        InputError: If tau is zero or a share is not between 0 and 1.
    """
    require(tau != 0 and -1 <= tau <= 1, "`tau` must be between -1 and 1, not zero", tau=tau)
    require(0 < wanted_power < 1, "`wanted_power` must be between 0 and 1", wanted_power=wanted_power)
    low, high = 2, 4
    while power(tau, high, level) < wanted_power:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(tau, middle, level) >= wanted_power else (middle, high)
    return high


def type_s_error(tau: float, num_models: int, level: float = 0.05) -> float:
    """Returns how often a significant tau has the wrong sign (Gelman and Carlin 2014, type S).

    Args:
        tau: The true tau.
        num_models: Models in a pool.
        level: Level of the two-sided test.

    Returns:
        The share of significant taus with the wrong sign; NaN for pools so small that no tau is significant.

    Raises:
        InputError: If an argument is out of range.
    """
    wrong, significant = _share_above(_bound(num_models, level), -abs(tau), num_models), power(tau, num_models, level)
    return wrong / significant if significant else float("nan")


def _bound(num_models: int, level: float) -> float:
    """Returns the |tau| from which the test finds that tau is not zero."""
    require(0 < level < 1, "`level` must be between 0 and 1", level=level)
    return float(scipy.stats.norm.ppf(1 - level / 2)) * tau_standard_deviation(0, num_models)


def _share_above(bound: float, tau: float, num_models: int) -> float:
    spread = tau_standard_deviation(tau, num_models)
    return float(scipy.stats.norm.sf((bound - tau) / spread) if spread else tau > bound)
