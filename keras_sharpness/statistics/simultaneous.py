"""Intervals that hold for several quantities at once, where each alone is an estimate with a Student interval."""

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import scipy

from keras_sharpness.errors import require, require_count

if TYPE_CHECKING:
    import pandas as pd

Ends = TypeVar("Ends", float, np.ndarray, "pd.Series")


def simultaneous(
    low: Ends, high: Ends, degrees: int, num_quantities: int, confidence: float = 0.95
) -> tuple[Ends, Ends]:
    """Widens an interval so that it holds together with those of other quantities.

    Among many measures, one of twenty has an interval that misses the truth. By Bonferroni's inequality, intervals of
    confidence 1 - (1 - confidence) / num_quantities all hold together with the confidence, whatever their dependence.

    Args:
        low: Lower end of a quantity's own interval, symmetric and from Student's distribution; or of several.
        high: Its upper end.
        degrees: Its degrees of freedom.
        num_quantities: Quantities that are looked at.
        confidence: Nominal coverage, of the interval that is given and of all wide ones together.

    Returns:
        The wide interval.

    Raises:
        InputError: If an argument is out of range.
    """
    require(0 < confidence < 1, "`confidence` must be between 0 and 1", confidence=confidence)
    require_count("degrees", degrees)
    require_count("num_quantities", num_quantities)
    tail, student = (1 - confidence) / 2, scipy.stats.t(degrees)
    middle, reach = (low + high) / 2, (high - low) / 2
    wide = reach * float(student.isf(tail / num_quantities) / student.isf(tail))
    return middle - wide, middle + wide
