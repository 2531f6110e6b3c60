"""The radius at which a quality of a network has fallen by a given amount, found by safeguarded bisection."""

import dataclasses
import math
from collections.abc import Callable, Mapping

import numpy as np
import scipy.optimize

from keras_sharpness.statistics import standard_error

Fall = Callable[[float], np.ndarray]
"""From a radius to how far the quality has fallen there, one number for each batch; it grows with the radius."""
# Logarithms of the factors, to the base of 2, by which the radius is raised or lowered in search of a bracket.
EXPONENTS = (2, 2, 4, 8, 16)
# Falls below this share of the target count as this share, since their logarithm is taken.
LEAST_SHARE = 0.01
# Least distance between the logarithms of the radius and of those that its slope is taken from.
APART = 0.1


@dataclasses.dataclass(frozen=True)
class Crossing:
    """Where the mean fall crosses its target.

    Attributes:
        radius: The radius; NaN if the fall crosses its target nowhere.
        log_error: Standard error of the logarithm of the radius, over batches.
    """

    radius: float
    log_error: float

    def through(self, function: Callable[[float], float]) -> tuple[float, float]:
        """Returns a function of the radius and its standard error, to first order.

        Args:
            function: The function; monotone.
        """
        if math.isnan(self.radius):
            return math.nan, math.nan
        if math.isnan(self.log_error):
            return function(self.radius), math.nan
        low, high = (function(self.radius * math.exp(sign * self.log_error)) for sign in (-1, 1))
        return function(self.radius), abs(high - low) / 2


def find_crossing(fall: Fall, target: float, start: float, tolerance: float = 0.01) -> Crossing:
    """Finds the radius at which the mean fall reaches a target.

    The radius is raised or lowered by factors of 4, 4, 16, 256, 2^16 until the target lies between two of them. Brent's
    method, which is bisection that interpolates where it can, does the rest. It works on the logarithms of radius and
    fall: the fall is nearly a power of the radius, so that few evaluations are needed.

    Args:
        fall: The fall.
        target: Its target, positive.
        start: First radius.
        tolerance: Relative accuracy of the radius.

    Returns:
        The radius; NaN if the fall never reaches the target, or reaches it at all radii that can be tried.
    """
    known: dict[float, np.ndarray] = {}

    def excess(log_radius: float) -> float:
        if log_radius not in known:
            falls = np.asarray(fall(math.exp(log_radius)), np.float64)
            # What is no number any more has fallen all the way; bounded, so that interpolation works.
            known[log_radius] = np.minimum(np.where(np.isfinite(falls), falls, np.inf), 10 * target)
        return _log_share(known[log_radius], target)

    bracket = _bracket(excess, math.log(start))
    if bracket is None:
        return Crossing(math.nan, math.nan)
    found = float(scipy.optimize.brentq(excess, *bracket, xtol=tolerance))
    return Crossing(math.exp(found), _log_error(known, found, target))


def _bracket(excess: Callable[[float], float], log_radius: float) -> tuple[float, float] | None:
    """Returns the logarithms of two radii, of which only the larger reaches the target; None if there are none."""
    up = excess(log_radius) < 0
    for exponent in EXPONENTS:
        following = log_radius + math.log(2) * (exponent if up else -exponent)
        if (excess(following) < 0) != up:
            return min(log_radius, following), max(log_radius, following)
        log_radius = following
    return None


def _log_share(falls: np.ndarray, target: float) -> float:
    """Returns the logarithm of the mean fall as a share of its target."""
    return math.log(max(float(falls.mean()) / target, LEAST_SHARE))


def _log_error(known: Mapping[float, np.ndarray], found: float, target: float) -> float:
    """Returns the error of the logarithm of a radius: that of the mean fall, over its slope between neighbours."""
    nearest = min(known, key=lambda log_radius: abs(log_radius - found))
    # Far enough apart for the slope not to be that of single examples.
    below = max((r for r in known if r < found - APART), default=min(known))
    above = min((r for r in known if r > found + APART), default=max(known))
    exponent = (_log_share(known[above], target) - _log_share(known[below], target)) / (above - below)
    return standard_error(known[nearest]) / (exponent * target) if exponent > 0 else math.nan
