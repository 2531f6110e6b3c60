"""How the released code trains, and when it stops."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from keras_sharpness.pools.schedule import Schedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReleasedSchedule(Schedule):
    """Training in the released code; with the defaults, as in the paper.

    Attributes:
        training_mode_epochs: Epochs in training mode; all later ones run in inference mode. None: all are.
        full_gradient: Whether each step takes the gradient over all training examples.
        sums_losses: Whether an epoch's loss is the sum over its batches.
        signed_change: Whether a rise of the loss stops the training too.
    """

    training_mode_epochs: int | None = None
    full_gradient: bool = False
    sums_losses: bool = False
    signed_change: bool = False

    def is_over(self, epoch_losses: Sequence[float]) -> bool:
        """Returns whether training ends after epochs of these losses."""
        if not self.signed_change:
            return super().is_over(epoch_losses)
        if not epoch_losses:
            return False
        # Deviation: the change is not taken absolutely, and the first epoch is compared with a loss of 100.
        before, last = [100.0, *epoch_losses][-2:]
        return len(epoch_losses) >= self.max_epochs or not (before - last) / before >= self.stop_tolerance

    def batches(self, order: np.ndarray) -> list[np.ndarray]:
        """Returns an epoch's batches of the shuffled examples."""
        if not self.full_gradient:
            return super().batches(order)
        # Deviation: as many steps as there are mini-batches, but each on the whole training set.
        steps = math.ceil(order.shape[-1] / self.batch_size)
        return [np.stack([order] * steps).astype(np.int32)]

    def in_training_mode(self, epoch: int) -> bool:
        """Returns whether layers run in training mode in an epoch, counted from 0."""
        # Deviation: the network is not put back into training mode after its first evaluation.
        return self.training_mode_epochs is None or epoch < self.training_mode_epochs

    def epoch_loss(self, losses: np.ndarray, sizes: list[int]) -> np.ndarray:
        """Returns an epoch's loss."""
        # Deviation: the last, smaller batch counts as much as the others.
        return losses.sum(axis=0) if self.sums_losses else super().epoch_loss(losses, sizes)
