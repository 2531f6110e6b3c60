"""How a member of a pool is trained, and when it stops."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_sharpness.errors import require_count, require_non_negative, require_positive
from keras_sharpness.pools.minibatches import split_batches


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule:
    """Plain stochastic gradient descent until the training loss settles (the paper's section III).

    Other procedures are subclasses: training asks nothing but what is here.

    Attributes:
        learning_rate: Learning rate of SGD, without momentum.
        batch_size: Examples in a batch; the last batch of an epoch holds what is left.
        min_epochs: Epochs before the stopping rule may act.
        max_epochs: Epochs at most.
        stop_tolerance: Stop once the epoch's mean training loss changes by less than this share of the last one's.
        weight_decay: Factor of the weights that is added to the gradient; none in the paper.
        initialization: Name of the initialization, one of `initialization.INITIALIZATIONS`.
    """

    learning_rate: float
    batch_size: int = 64
    min_epochs: int = 2
    max_epochs: int = 10
    stop_tolerance: float = 0.05
    weight_decay: float = 0.0
    initialization: str = "glorot_uniform"

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            InputError: If a number is out of range.
        """
        require_positive("learning_rate", self.learning_rate)
        require_count("batch_size", self.batch_size)
        require_non_negative("min_epochs", self.min_epochs)
        require_count("max_epochs", self.max_epochs)
        require_non_negative("stop_tolerance", self.stop_tolerance)

    def is_over(self, epoch_losses: Sequence[float]) -> bool:
        """Returns whether training ends after epochs of these mean training losses."""
        epochs = len(epoch_losses)
        if epochs >= self.max_epochs:
            return True
        if epochs < max(2, self.min_epochs):
            return False
        before, last = epoch_losses[-2:]
        return abs(before - last) < self.stop_tolerance * abs(before)

    def batches(self, order: np.ndarray) -> list[np.ndarray]:
        """Returns an epoch's batches of the shuffled examples; see `split_batches`."""
        return split_batches(order, self.batch_size)

    def in_training_mode(self, epoch: int) -> bool:
        """Returns whether layers run in training mode in an epoch, counted from 0."""
        del epoch
        return True

    def epoch_loss(self, losses: np.ndarray, sizes: list[int]) -> np.ndarray:
        """Returns an epoch's loss: the mean over the examples as they were met.

        Args:
            losses: Loss of each batch, shape (num_batches, [members]).
            sizes: Examples in each batch.
        """
        return np.average(losses, axis=0, weights=sizes)
