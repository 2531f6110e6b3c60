"""Whether the means of two treatments differ that were given to the same units, such as seeds."""

import dataclasses

import numpy as np
import scipy
from numpy.typing import ArrayLike

from keras_sharpness.errors import require


@dataclasses.dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """The mean difference of pairs.

    Attributes:
        difference: Mean of a - b over the pairs.
        standard_error: Its standard error.
        ci_low: Lower end of the interval of Student's distribution with n - 1 degrees of freedom.
        ci_high: Upper end.
        p_value: Two-sided p-value of the paired t-test.
    """

    difference: float
    standard_error: float
    ci_low: float
    ci_high: float
    p_value: float


def paired_difference(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> PairedDifference:
    """Compares the means of two treatments, pair by pair.

    Args:
        a: A number for each unit under the first treatment.
        b: The same under the second, units in the same order.
        confidence: Nominal coverage of the interval, between 0 and 1.

    Returns:
        The difference.

    Raises:
        InputError: If there are fewer than two pairs, or a number is not finite.
    """
    require(0 < confidence < 1, "`confidence` must be between 0 and 1", confidence=confidence)
    first, second = np.asarray(a, float), np.asarray(b, float)
    require(first.ndim == 1 and first.shape == second.shape, "`a` and `b` must be of the same units", shape=first.shape)
    require(len(first) >= 2, "there must be at least two pairs", pairs=len(first))
    require(bool(np.isfinite([first, second]).all()), "`a` and `b` must be finite")
    pairs = first - second
    mean, error = float(pairs.mean()), float(pairs.std(ddof=1) / np.sqrt(len(pairs)))
    t = scipy.stats.t(len(pairs) - 1)
    reach = float(t.ppf((1 + confidence) / 2)) * error
    p_value = float(2 * t.sf(abs(mean) / error)) if error else float(mean == 0)
    return PairedDifference(
        difference=mean, standard_error=error, ci_low=mean - reach, ci_high=mean + reach, p_value=p_value
    )
