"""An average over random draws, as several measures return it."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Estimate:
    """An average over random draws.

    Attributes:
        value: The estimate.
        standard_error: Its standard error; NaN for a single draw.
        samples: What was averaged.
    """

    value: float
    standard_error: float
    samples: np.ndarray
