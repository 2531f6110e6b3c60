"""One tau from several splits or data sets, whose own taus differ: random-effects meta-analysis.

Group i's estimate y_i has the standard error s_i and varies between groups with the variance v besides. With weights
w_i = 1 / (s_i^2 + v):

- v solves sum_i w_i (y_i - mean)^2 = k - 1, or is 0 if there is no positive solution (Paule and Mandel 1982;
  recommended, with REML, by Veroniki et al. 2016, PMC4950030);
- mean = sum_i w_i y_i / sum_i w_i;
- interval: mean +- t_{k-1} sqrt(q / sum_i w_i), q = max(1, sum_i w_i (y_i - mean)^2 / (k - 1)): Hartung and Knapp's,
  with the modification that q is at least 1 (recommended for few groups by Röver et al. 2015, PMC4647507);
- another group's tau lies with the same confidence in mean +- t_{k-2} sqrt(v + q / sum_i w_i) (Higgins et al. 2009);
- I^2 = max(0, 1 - (k - 1) / Q), with Q the sum above at v = 0: the share of the variation that is between groups.
"""

import dataclasses

import numpy as np
import scipy
from numpy.typing import ArrayLike

from keras_sharpness.errors import require
from keras_sharpness.statistics.correlation import vector


@dataclasses.dataclass(frozen=True, kw_only=True)
class RandomEffects:
    """What several groups say together, and how far they differ.

    Attributes:
        mean: Mean over the population that the groups are drawn from.
        standard_error: Of the mean.
        ci_low: Lower end of the confidence interval of the mean.
        ci_high: Upper end.
        p_value: Two-sided, for a mean of zero.
        between_variance: Variance of the true values between groups (tau^2 in meta-analysis).
        i_squared: Share of the variation of the estimates that is between groups, from 0 to 1.
        heterogeneity_p_value: For the hypothesis that all groups have one true value (Cochran's Q).
        prediction_low: Lower end of the interval that another group's true value lies in; NaN for two groups.
        prediction_high: Upper end.
        num_groups: Number of groups.
        confidence: Nominal coverage of both intervals.
    """

    mean: float
    standard_error: float
    ci_low: float
    ci_high: float
    p_value: float
    between_variance: float
    i_squared: float
    heterogeneity_p_value: float
    prediction_low: float
    prediction_high: float
    num_groups: int
    confidence: float = 0.95


def random_effects(estimates: ArrayLike, standard_errors: ArrayLike, *, confidence: float = 0.95) -> RandomEffects:
    """Combines the estimates of groups: taus of several splits, data sets or architectures, or differences of taus.

    The groups must be independent of each other given the population. Splits of one data set share examples: their
    interval is over splits of that data set, and says nothing about other data sets. A large |tau| has a small
    standard error and weighs more: with groups of 50 models the mean is too far from zero by some 0.01.

    Args:
        estimates: One value per group, shape (num_groups,).
        standard_errors: Its standard error, such as the first value that `jackknife_interval` returns.
        confidence: Nominal coverage of the intervals, between 0 and 1.

    Returns:
        Mean, interval and heterogeneity.

    Raises:
        InputError: If there are fewer than two groups, a value is not finite, or a standard error is not positive.
    """
    require(0 < confidence < 1, "`confidence` must be between 0 and 1", confidence=confidence)
    y, s = vector("estimates", estimates), vector("standard_errors", standard_errors)
    require(len(y) == len(s) >= 2, "there must be two groups or more, each with both values", lengths=(len(y), len(s)))
    require(bool((s > 0).all()), "`standard_errors` must be positive", smallest=float(s.min()))
    count, fixed = len(y), _spread(0.0, y, s)
    between = _between_variance(y, s)
    weights = 1 / (s**2 + between)
    mean = float(np.average(y, weights=weights))
    error = float(np.sqrt(max(1.0, _spread(between, y, s) / (count - 1)) / weights.sum()))
    t = scipy.stats.t(count - 1)
    reach = float(t.ppf((1 + confidence) / 2)) * error
    ahead = np.hypot(np.sqrt(between), error) * (
        scipy.stats.t.ppf((1 + confidence) / 2, count - 2) if count > 2 else np.nan
    )
    return RandomEffects(
        mean=mean,
        standard_error=error,
        ci_low=mean - reach,
        ci_high=mean + reach,
        p_value=float(2 * t.sf(abs(mean) / error)),
        between_variance=between,
        i_squared=max(0.0, 1 - (count - 1) / fixed) if fixed else 0.0,
        heterogeneity_p_value=float(scipy.stats.chi2.sf(fixed, count - 1)),
        prediction_low=float(mean - ahead),
        prediction_high=float(mean + ahead),
        num_groups=count,
        confidence=confidence,
    )


def _spread(between: float, y: np.ndarray, s: np.ndarray) -> float:
    """Returns sum_i w_i (y_i - mean)^2, which falls as the variance between groups grows."""
    weights = 1 / (s**2 + between)
    return float((weights * (y - np.average(y, weights=weights)) ** 2).sum())


def _between_variance(y: np.ndarray, s: np.ndarray) -> float:
    excess = len(y) - 1
    if _spread(0.0, y, s) <= excess:
        return 0.0
    # Here the spread is at most sum (y - mean y)^2 / v = k - 1 at the largest v.
    largest = float(y.var(ddof=1))
    return float(scipy.optimize.brentq(lambda v: _spread(v, y, s) - excess, 0.0, largest, xtol=1e-15 * max(largest, 1)))
