"""An average over random draws, as several measures return it."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.measures.readable import Readable, with_error


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Estimate(Readable):
    """An average over random draws.

    Attributes:
        value: The estimate.
        standard_error: Its standard error; NaN for a single draw.
        samples: What was averaged.
    """

    value: float
    standard_error: float
    samples: np.ndarray

    def summary(self) -> dict[str, str]:
        """Returns what is shown of it."""
        return {"value": with_error(self.value, self.standard_error), "samples": str(len(self.samples))}

    def columns(self) -> dict[str, ArrayLike]:
        """Returns the columns of `to_frame`, which has a row for each sample."""
        return {"sample": np.arange(len(self.samples)), "value": self.samples}
