"""How a member of a pool goes through its examples, and when it stops: a value put together from named parts."""

import dataclasses
import math
from collections.abc import Callable, Collection, Sequence

import numpy as np

from keras_sharpness.errors import require, require_count, require_non_negative, require_positive
from keras_sharpness.pools.minibatches import split_batches, whole_batches


@dataclasses.dataclass(frozen=True, kw_only=True)
class Epochs:
    """The epochs of a member. With the defaults: until the training loss settles (the paper's section III).

    Attributes:
        batch_size: Examples in a batch; the last batch of an epoch holds what is left.
        min_epochs: Epochs before the rule "settled" may stop the training.
        max_epochs: Epochs at most.
        stop_tolerance: Change of the epoch's loss, as a share of the last one's, below which the training stops.
        stop_loss: Loss of an epoch at which the rule "at_loss" stops the training.
        stopping: When the training stops, one of `STOPPING_RULES`.
        gradient: What each step takes the gradient of, one of `GRADIENTS`.
        reduction: How an epoch's loss follows from its batches', one of `REDUCTIONS`. The batches of "evaluated" are
            those of a pass after the epoch, in inference mode; those of the others are the epoch's own.
        training_mode_epochs: Epochs in training mode; all later ones run in inference mode. None: all are.
    """

    batch_size: int = 64
    min_epochs: int = 2
    max_epochs: int = 10
    stop_tolerance: float = 0.05
    stop_loss: float | None = None
    stopping: str = "settled"
    gradient: str = "mini_batch"
    reduction: str = "mean"
    training_mode_epochs: int | None = None

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            InputError: If a number is out of range or a name unknown.
        """
        require_count("batch_size", self.batch_size)
        require_non_negative("min_epochs", self.min_epochs)
        require_count("max_epochs", self.max_epochs)
        require_non_negative("stop_tolerance", self.stop_tolerance)
        if self.stop_loss is not None:
            require_positive("stop_loss", self.stop_loss)
        known: tuple[tuple[str, Collection[str]], ...] = (
            ("stopping", STOPPING_RULES),
            ("gradient", GRADIENTS),
            ("reduction", REDUCTIONS),
        )
        for name, choices in known:
            value = getattr(self, name)
            require(value in choices, f"`{name}` must be one of {', '.join(choices)}", **{name: value})

    def is_over(self, epoch_losses: Sequence[float]) -> bool:
        """Returns whether training ends after epochs of these losses."""
        return len(epoch_losses) >= self.max_epochs or STOPPING_RULES[self.stopping](self, epoch_losses)

    def batches(self, order: np.ndarray) -> list[np.ndarray]:
        """Returns an epoch's batches of the shuffled examples; see `split_batches`."""
        return GRADIENTS[self.gradient](order, self.batch_size)

    def in_training_mode(self, epoch: int) -> bool:
        """Returns whether layers run in training mode in an epoch, counted from 0."""
        return self.training_mode_epochs is None or epoch < self.training_mode_epochs

    def epoch_loss(self, losses: np.ndarray, sizes: list[int]) -> np.ndarray:
        """Returns an epoch's loss.

        Args:
            losses: Loss of each batch, shape (num_batches, [members]).
            sizes: Examples in each batch.
        """
        return REDUCTIONS[self.reduction](losses, sizes)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule(Epochs):
    """Plain stochastic gradient descent from drawn weights.

    Attributes:
        learning_rate: Learning rate of SGD, without momentum.
        weight_decay: Factor of the weights that is added to the gradient.
        initialization: Name of the initialization, one of `initialization.INITIALIZATIONS`.
    """

    learning_rate: float
    weight_decay: float = 0.0
    initialization: str = "glorot_uniform"

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            InputError: If a number is out of range or a name unknown.
        """
        super().__post_init__()
        require_positive("learning_rate", self.learning_rate)


def settled(schedule: Epochs, epoch_losses: Sequence[float]) -> bool:
    """Returns whether the loss changed by less than the tolerance (the paper's rule)."""
    if len(epoch_losses) < max(2, schedule.min_epochs):
        return False
    before, last = epoch_losses[-2:]
    return abs(before - last) < schedule.stop_tolerance * abs(before)


def not_falling(schedule: Epochs, epoch_losses: Sequence[float]) -> bool:
    """Returns whether the loss fell by less than the tolerance or rose; the first one is compared with 100."""
    if not epoch_losses:
        return False
    before, last = [100.0, *epoch_losses][-2:]
    # Negated, so that a loss that is not a number stops the training.
    return not (before - last) / before >= schedule.stop_tolerance


def at_loss(schedule: Epochs, epoch_losses: Sequence[float]) -> bool:
    """Returns whether the loss has come down to `stop_loss`, or never will since it is not finite."""
    if not epoch_losses or schedule.stop_loss is None:
        return False
    # Negated, so that a loss that is not a number stops the training.
    return not schedule.stop_loss < epoch_losses[-1] < math.inf


def mean_over_examples(losses: np.ndarray, sizes: list[int]) -> np.ndarray:
    """Returns the mean loss of all examples."""
    return np.average(losses, axis=0, weights=sizes)


def sum_over_batches(losses: np.ndarray, sizes: list[int]) -> np.ndarray:
    """Returns the sum of the batches' mean losses: a smaller last batch counts as much as the others."""
    del sizes
    return losses.sum(axis=0)


STOPPING_RULES: dict[str, Callable[[Epochs, Sequence[float]], bool]] = {
    "settled": settled,
    "not_falling": not_falling,
    "at_loss": at_loss,
}
GRADIENTS: dict[str, Callable[[np.ndarray, int], list[np.ndarray]]] = {
    "mini_batch": split_batches,
    "full": whole_batches,
}
REDUCTIONS: dict[str, Callable[[np.ndarray, list[int]], np.ndarray]] = {
    "mean": mean_over_examples,
    "sum": sum_over_batches,
    "evaluated": mean_over_examples,
}
