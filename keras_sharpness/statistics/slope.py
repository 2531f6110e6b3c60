"""The order at which sharpness grows with rho: 1 where a gradient makes it, 2 where curvature does.

In a ball of radius rho the rise of the loss is rho ||g||_q + O(rho^2), with g the gradient in scaled coordinates; where
g = 0 it is at most rho^2 / 2 times the largest curvature. So d log sharpness / d log rho is near 1 at small rho and, at
a minimum, near 2.
"""

import dataclasses

import numpy as np
import scipy
from numpy.typing import ArrayLike

from keras_sharpness.errors import require
from keras_sharpness.statistics.correlation import vector
from keras_sharpness.statistics.intervals import FEWEST_MODELS


@dataclasses.dataclass(frozen=True, kw_only=True)
class LogLogSlope:
    """Slope of log mean sharpness against log rho.

    Attributes:
        slope: Least-squares slope over all radii.
        standard_error: Over models.
        ci_low: Lower end of the confidence interval over models.
        ci_high: Upper end.
        local_slopes: From each radius to the next, shape (num_rhos - 1,): where they leave 1, the second order begins.
        confidence: Nominal coverage of the interval.
    """

    slope: float
    standard_error: float
    ci_low: float
    ci_high: float
    local_slopes: tuple[float, ...]
    confidence: float = 0.95


def log_log_slope(rhos: ArrayLike, sharpness: ArrayLike, *, confidence: float = 0.95) -> LogLogSlope:
    """Fits log mean sharpness = a + slope log rho by least squares.

    The same models are measured at all radii, so that the points of the line vary together. The interval therefore
    leaves out each model in turn, at all radii at once, with Student's distribution. It is over models; it does not
    say that the line is straight: look at `local_slopes`. For the interval of one of these, pass its two radii only.

    Args:
        rhos: Radii, two or more different ones, shape (num_rhos,).
        sharpness: Of each model at each radius, shape (num_rhos, num_models).
        confidence: Nominal coverage of the interval, between 0 and 1.

    Returns:
        The slope. Its interval is NaN for fewer than 15 models.

    Raises:
        InputError: If a radius or a mean sharpness is not positive and finite, or the shapes do not fit.
    """
    require(0 < confidence < 1, "`confidence` must be between 0 and 1", confidence=confidence)
    radii, table = vector("rhos", rhos), np.asarray(sharpness, dtype=np.float64)
    require(bool((radii > 0).all()) and len(set(radii)) > 1, "`rhos` must be two positive radii or more", rhos=rhos)
    fits = table.ndim == 2 and len(table) == len(radii) and table.shape[1] > 1
    require(fits, "`sharpness` must have a row per radius and two models or more", shape=table.shape, rhos=len(radii))
    sums, count = table.sum(axis=1), table.shape[1]
    left_out = (sums[:, None] - table) / (count - 1)
    positive = np.isfinite(table).all() and (sums > 0).all() and (left_out > 0).all()
    require(bool(positive), "mean sharpness must be positive and finite at each radius", means=(sums / count).tolist())
    x, y = np.log(radii) - np.log(radii).mean(), np.log(sums / count)
    slope, slopes = float(x @ y / (x @ x)), x @ np.log(left_out) / (x @ x)
    error = float(np.sqrt((count - 1) / count * ((slopes - slopes.mean()) ** 2).sum()))
    enough = count >= FEWEST_MODELS
    reach = float(scipy.stats.t.ppf((1 + confidence) / 2, count - 1)) * error if enough else float("nan")
    order = np.argsort(radii)
    with np.errstate(divide="ignore", invalid="ignore"):  # A radius may be given twice.
        local = np.diff(y[order]) / np.diff(x[order])
    return LogLogSlope(
        slope=slope,
        standard_error=error,
        ci_low=slope - reach,
        ci_high=slope + reach,
        local_slopes=tuple(local.tolist()),
        confidence=confidence,
    )
