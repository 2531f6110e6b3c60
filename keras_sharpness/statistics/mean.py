"""Standard error of a mean."""

import numpy as np
from numpy.typing import ArrayLike


def standard_error(values: ArrayLike) -> float:
    """Returns the standard error of the mean of independent values; NaN for a single one.

    Args:
        values: One number per value, shape (num_values,). Sums are taken in float64.
    """
    numbers = np.asarray(values, dtype=np.float64)
    return float(numbers.std(ddof=1) / np.sqrt(len(numbers))) if len(numbers) > 1 else float("nan")
