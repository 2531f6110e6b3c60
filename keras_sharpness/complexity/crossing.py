"""The radius at which a quality of a network has fallen by a given amount, found by safeguarded bisection."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import scipy.optimize

from keras_sharpness.statistics import standard_error

Fall = Callable[[float], np.ndarray]
"""From a radius to how far the quality has fallen there, one number for each batch; it grows with the radius."""
# Largest distance between the logarithms of the first radius that is tried and the last.
WIDEST = 40 * math.log(2)


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

    The radius is doubled or halved until two of them, one twice the other, lie on both sides. Brent's method, which is
    bisection that interpolates where it can, does the rest on the logarithm of the radius. So no radius is too large or
    too small to be found.

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
            # What is no number any more has fallen all the way.
            known[log_radius] = np.where(np.isfinite(falls), falls, np.inf)
        # Bounded, so that interpolation works, and so does the slope.
        return min(float(known[log_radius].mean()), 10 * target) - target

    bracket = _bracket(excess, math.log(start))
    if bracket is None:
        return Crossing(math.nan, math.nan)
    found = float(scipy.optimize.brentq(excess, *bracket, xtol=tolerance / 2))
    slope = (excess(bracket[1]) - excess(bracket[0])) / math.log(2)
    nearest = min(known, key=lambda log_radius: abs(log_radius - found))
    return Crossing(math.exp(found), standard_error(np.minimum(known[nearest], 10 * target)) / slope)


def _bracket(excess: Callable[[float], float], first: float) -> tuple[float, float] | None:
    """Returns the logarithms of two radii, one twice the other, of which only the larger reaches the target."""
    log_radius, up = first, excess(first) < 0
    while abs(log_radius - first) < WIDEST:
        following = log_radius + (math.log(2) if up else -math.log(2))
        if (excess(following) < 0) != up:
            return min(log_radius, following), max(log_radius, following)
        log_radius = following
    return None
