"""Models that compute their loss in their own way."""

import inspect
import logging
from typing import Any, TypeAlias

import keras
from keras import ops

from keras_sharpness.errors import InputError, require
from keras_sharpness.objective.labelled_data import Weighted
from keras_sharpness.objective.losses import BatchLoss, LossLike
from keras_sharpness.typing import Array

log = logging.getLogger(__name__)


class OwnLoss:
    """The loss that a model's own `compute_loss` returns, in place of a `BatchLoss`.

    Attributes:
        name: Where the loss comes from.
    """

    key = None
    is_keras = False
    sums = False
    ignores = False
    counts_errors = False

    def __init__(self, model: keras.Model) -> None:
        """Takes the method of a model."""
        self._model, self.name = model, f"{type(model).__name__}.compute_loss"
        self._takes_training = "training" in inspect.signature(model.compute_loss).parameters

    def compute(self, inputs: Any, targets: Any, outputs: Any, training: bool) -> Array:
        """Returns the loss, a float32 scalar. For use inside the `StatelessScope` of the pass that made the outputs."""
        y, sample_weight = targets if isinstance(targets, Weighted) else (targets, None)
        options = {"training": training} if self._takes_training else {}
        loss = self._model.compute_loss(inputs, y, outputs, sample_weight, **options)
        return ops.cast(ops.mean(loss), "float32")

    def check_labels(self, targets: Any, outputs: Any) -> None:
        """Passes all: only the model knows what it takes."""

    def error_or_nan(self, targets: Any, outputs: Any) -> Array:
        """Returns NaN: a model's own loss says nothing about wrong predictions."""
        return ops.full((), float("nan"), dtype="float32")

    def mean(self, targets: Any, outputs: Any) -> Array:
        """Refuses, since the loss is no function of the outputs alone.

        Raises:
            InputError: Always.
        """
        raise InputError(
            "`loss` must be given where a measure needs the loss as a function of the outputs: the model computes its "
            f"loss in its own way. Received: loss={self.name}"
        )

    error = mean_and_error = mean

    def mass(self, targets: Any, outputs: Any) -> Array:
        """Returns one: what the loss divides by is not known."""
        return ops.ones((), dtype="float32")

    count = mass


AnyLoss: TypeAlias = BatchLoss | OwnLoss
"""The loss of a batch: of the outputs alone, or by the model's own method."""


def find_batch_loss(model: keras.Model, loss: LossLike, normalize_logits: bool, regularization: bool) -> AnyLoss:
    """Returns the loss that a user means.

    Args:
        model: The model.
        loss: What the user gave; None: the loss that the model has of itself.
        normalize_logits: Whether logits are normalized first.
        regularization: Whether regularizers count.

    Raises:
        InputError: If there is no loss, it is none that Keras knows, or only the model itself can evaluate itself.
    """
    if loss is not None:
        return BatchLoss(model, loss, normalize_logits)
    name = type(model).__name__
    require(not _overrides(model, "test_step"), "`loss` must be given for a model with its own `test_step`", model=name)
    if not _overrides(model, "compute_loss"):
        if _overrides(model, "train_step"):
            log.warning(
                "%s trains by its own `train_step`: measured is the compiled loss, as `evaluate` shows it", name
            )
        return BatchLoss(model, None, normalize_logits)
    require(not normalize_logits, "`loss` must be given to normalize logits: the model has its own loss", model=name)
    regularized = [variable.path for variable in model.trainable_variables if variable.regularizer is not None]
    what = "`regularization` must be True for a model with its own `compute_loss` and regularizers"
    require(regularization or not regularized, what, model=name, regularized=regularized[:3])
    return OwnLoss(model)


def _overrides(model: keras.Model, method: str) -> bool:
    return getattr(type(model), method) is not getattr(keras.Model, method)
