"""From what a user calls a loss to the loss, and the error rate, of a batch of outputs."""

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

import keras
from keras import ops

from keras_sharpness.backend.internals import OutputLosses, compiled_loss_weights
from keras_sharpness.errors import InputError, reason, require
from keras_sharpness.objective.labelled_data import Weighted
from keras_sharpness.objective.readings import (
    AMBIGUOUS,
    Check,
    Count,
    Error,
    Mass,
    Mean,
    Reading,
    kind_of,
    name_of,
    options_of,
)
from keras_sharpness.typing import Array

LossLike: TypeAlias = str | keras.losses.Loss | Callable[..., Any] | list[Any] | dict[str, Any] | None
"""A Keras loss, its name, a function of (y_true, y_pred), or a list or dictionary of these, one for each output."""


class BatchLoss:
    """The loss of a batch, as `model.evaluate` takes it of the outputs.

    Keras itself finds out which loss, target and sample weight belong to which output. Targets are plain, or a
    `Weighted` of targets and sample weights.

    Attributes:
        name: Name of the loss.
    """

    def __init__(self, model: keras.Model, loss: LossLike, normalize_logits: bool = False) -> None:
        """Finds the loss.

        Args:
            model: The model whose outputs it takes.
            loss: What the user calls it; None takes the loss of `model.compile`, with its weights.
            normalize_logits: Whether the logits of an example are centred and divided by their Euclidean norm first
                (arXiv:2302.07011, section 3).

        Raises:
            InputError: If there is no loss, or it is none that Keras knows.
        """
        weights = None
        if loss is None:
            loss = getattr(model, "loss", None)
            require(loss is not None, "`loss` must be given when the model is not compiled with one", model=model.name)
            weights = compiled_loss_weights(model)
        losses = keras.tree.map_structure(_get, loss)
        self._parts = [part for part in keras.tree.flatten(losses) if part is not None]
        self._structure, self._normalize = str(keras.tree.map_structure(_name, losses)), normalize_logits
        self._weights = None if weights is None else tuple(keras.tree.flatten(weights))
        self.name = ", ".join(map(name_of, self._parts))
        names = getattr(model, "output_names", None)

        def over_outputs(read: Callable[[Any], Reading], weights: Any = None) -> "_OverOutputs":
            each = keras.tree.map_structure(lambda part: None if part is None else read(part), losses)
            return _OverOutputs(each, weights, names)

        self._mean = over_outputs(lambda part: Mean(part, normalize_logits), weights)
        self._error, self._check = over_outputs(Error), over_outputs(Check)
        self._mass, self._count = over_outputs(Mass), over_outputs(Count)

    @property
    def key(self) -> Hashable | None:
        """What a traced function of this loss depends on: its parts, by identity; None if some are not Keras's own."""
        if not self.is_keras:
            return None
        return tuple(self._parts), self._structure, self._weights, self._normalize

    @property
    def is_keras(self) -> bool:
        """Whether all losses are Keras's own."""
        return all(_is_keras(getattr(part, "fn", part)) for part in self._parts)

    @property
    def only_part(self) -> Any:
        """The loss of the only output, or None where there are several."""
        return self._parts[0] if len(self._parts) == 1 else None

    @property
    def sums(self) -> bool:
        """Whether the losses of the examples are added up, not averaged.

        Raises:
            InputError: If one output's are and another's are not.
        """
        kinds = {getattr(part, "reduction", None) == "sum" for part in self._parts}
        require(
            len(kinds) == 1, "losses must all be sums or all be means where a batch is cut into pieces", loss=self.name
        )
        return kinds.pop()

    @property
    def ignores(self) -> bool:
        """Whether a class is ignored."""
        return any(options_of(part).get("ignore_class") is not None for part in self._parts)

    @property
    def counts_errors(self) -> bool:
        """Whether an error rate means something: one output and a cross-entropy."""
        return len(self._parts) == 1 and kind_of(self._parts[0]) is not None

    def check_labels(self, targets: Any, outputs: Any) -> None:
        """Checks the labels that cross-entropies are taken of.

        Args:
            targets: Targets of all examples that matter.
            outputs: The model's outputs for one of them, or what has their structure and shapes.

        Raises:
            InputError: If a label is not the number of an output, or a probability not from 0 to 1; or losses, targets
                and outputs do not fit together.
        """
        most = len(keras.tree.flatten(outputs))
        require(len(self._parts) <= most, "`loss` must not hold more losses than the model has outputs", outputs=most)
        try:
            self._check(targets, outputs)
        except InputError:
            raise
        except (KeyError, ValueError, TypeError, IndexError) as error:  # Whatever Keras finds not to fit together.
            what = "`loss` and `y` must have an entry for each output"
            raise InputError(f"{what}. Received: outputs={most}, losses={len(self._parts)}: {reason(error)}") from error

    def mean(self, targets: Any, outputs: Any) -> Array:
        """Returns the loss of the outputs on a batch, a float32 scalar.

        Args:
            targets: Targets.
            outputs: The model's outputs.
        """
        return ops.cast(self._mean(targets, outputs), "float32")

    def mass(self, targets: Any, outputs: Any) -> Array:
        """Returns what the mean over a batch divides by: examples, entries not masked, or the sum of their weights.

        Losses of pieces of a batch, weighted by this, add up to that of the batch. Arguments as of `mean`.

        Raises:
            InputError: If there are several losses, which may divide by different numbers.
        """
        what = "`batch_size` must be left out for several outputs with masks or sample weights"
        require(len(self._parts) == 1, what, losses=self.name)
        return self._mass(targets, outputs)

    def count(self, targets: Any, outputs: Any) -> Array:
        """Returns what the error rate of a batch divides by; arguments as of `mean`."""
        return self._count(targets, outputs)

    def error(self, targets: Any, outputs: Any) -> Array:
        """Returns the share of wrong predictions, a float32 scalar; for a loss that counts errors.

        As Keras's weighted metrics, it averages with the sample weights, and leaves out what is masked.
        """
        return self._error(targets, outputs)

    def error_or_nan(self, targets: Any, outputs: Any) -> Array:
        """Returns the error rate, or NaN where it means nothing."""
        return self.error(targets, outputs) if self.counts_errors else ops.full((), float("nan"), dtype="float32")

    def mean_and_error(self, targets: Any, outputs: Any) -> tuple[Array, Array]:
        """Returns the loss and the error rate, or NaN where that means nothing."""
        return self.mean(targets, outputs), self.error_or_nan(targets, outputs)


class _OverOutputs:
    """One reading of each output, added up as Keras adds up their losses."""

    def __init__(self, readings: Any, weights: Any, names: list[str] | None) -> None:
        self._losses, self._lock = OutputLosses(readings, weights, output_names=names), threading.Lock()

    def __call__(self, targets: Any, outputs: Any) -> Array:
        y, sample_weight = targets if isinstance(targets, Weighted) else (targets, None)
        with self._lock:  # The first call finds out what belongs together.
            if not self._losses.built:
                return self._losses(y, outputs, sample_weight)
        return self._losses(y, outputs, sample_weight)


def _get(loss: Any) -> Any:
    if isinstance(loss, str) and loss.lower() in AMBIGUOUS:
        return loss
    try:
        return keras.losses.get(loss)
    except ValueError:
        raise InputError(
            f"`loss` must be a Keras loss, its name or a function of (y_true, y_pred). Received: loss={loss!r}"
        ) from None


def _is_keras(loss: Any) -> bool:
    home = loss.__module__ if hasattr(loss, "__name__") else type(loss).__module__
    return isinstance(loss, str) or home.startswith("keras.")


def _name(part: Any) -> str | None:
    return None if part is None else name_of(part)
