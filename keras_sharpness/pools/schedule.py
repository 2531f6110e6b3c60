"""How a member of a pool is trained, and when it stops."""

import dataclasses
import math
from collections.abc import Sequence

from keras_sharpness.errors import require


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule:
    """Plain stochastic gradient descent until the training loss settles (the paper's section III).

    Attributes:
        learning_rate: Learning rate of SGD, without momentum.
        batch_size: Examples in a batch; the last batch of an epoch holds what is left.
        min_epochs: Epochs before the stopping rule may act.
        max_epochs: Epochs at most.
        stop_tolerance: Stop once the epoch's mean training loss changes by less than this share of the last one's.
    """

    learning_rate: float
    batch_size: int = 64
    min_epochs: int = 2
    max_epochs: int = 10
    stop_tolerance: float = 0.05

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            InputError: If a number is out of range.
        """
        rate, tolerance = self.learning_rate, self.stop_tolerance
        require(math.isfinite(rate) and rate > 0, "`learning_rate` must be finite and positive", learning_rate=rate)
        require(self.batch_size >= 1, "`batch_size` must be at least 1", batch_size=self.batch_size)
        require(self.max_epochs >= 1, "`max_epochs` must be at least 1", max_epochs=self.max_epochs)
        require(
            math.isfinite(tolerance) and tolerance >= 0,
            "`stop_tolerance` must be finite and non-negative",
            stop_tolerance=tolerance,
        )

    def is_over(self, epoch_losses: Sequence[float]) -> bool:
        """Returns whether training ends after epochs of these mean training losses."""
        epochs = len(epoch_losses)
        if epochs >= self.max_epochs:
            return True
        if epochs < max(2, self.min_epochs):
            return False
        before, last = epoch_losses[-2:]
        return abs(before - last) < self.stop_tolerance * abs(before)
