"""From what a user calls a loss to the mean loss, and the error rate, of a batch of outputs."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops

from keras_sharpness.backend.internals import compiled_loss_weights, unscale_loss
from keras_sharpness.errors import InputError, require
from keras_sharpness.typing import Array

LossLike: TypeAlias = str | keras.losses.Loss | Callable[..., Any] | list[Any] | dict[str, Any] | None
"""A Keras loss, its name, a function of (y_true, y_pred), or a list or dictionary of these, one for each output."""

AVERAGES = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
_SPARSE = (keras.losses.SparseCategoricalCrossentropy,)
_BINARY = (keras.losses.BinaryCrossentropy, keras.losses.BinaryFocalCrossentropy)
_ONE_HOT = (keras.losses.CategoricalCrossentropy, keras.losses.CategoricalFocalCrossentropy)
_FUNCTIONS = {
    "sparse_categorical_crossentropy": _SPARSE[0],
    "binary_crossentropy": _BINARY[0],
    "categorical_crossentropy": _ONE_HOT[0],
}


class BatchLoss:
    """The mean loss of a batch, weighted and summed over a model's outputs.

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
            InputError: If there is no loss, it is none that Keras knows, or there is not one for each output.
        """
        weights = None
        if loss is None:
            loss = getattr(model, "loss", None)
            require(loss is not None, "`loss` must be given when the model is not compiled with one", model=model.name)
            weights = compiled_loss_weights(model)
        self._names = list(getattr(model, "output_names", None) or [])
        self._losses = keras.tree.map_structure(_get, loss)
        self._weights, self._normalize = weights, normalize_logits
        self.name = ", ".join(_name(fn) for fn in keras.tree.flatten(self._losses))

    @property
    def key(self) -> Hashable | None:
        """What a traced function of this loss depends on: its parts, by identity; None if some are not Keras's own."""
        parts = keras.tree.flatten(self._losses)
        if not all(_is_keras(getattr(part, "fn", part)) for part in parts):
            return None
        weights = None if self._weights is None else tuple(keras.tree.flatten(self._weights))
        return tuple(parts), str(keras.tree.map_structure(_name, self._losses)), weights, self._normalize

    @property
    def counts_errors(self) -> bool:
        """Whether an error rate means something: one output and a cross-entropy."""
        return _kind(self._losses) is not None

    def check_labels(self, targets: Any, outputs: Any) -> None:
        """Checks the labels that cross-entropies are taken of.

        Args:
            targets: Targets of all examples that matter.
            outputs: The model's outputs for one of them, or what has their structure and shapes.

        Raises:
            InputError: If a label is not the number of an output, or a probability not from 0 to 1.
        """
        for _, loss, target, output in self._parts(targets, outputs):
            _check_labels(loss, ops.convert_to_numpy(target), output.shape)

    def mean(self, targets: Any, outputs: Any) -> Array:
        """Returns the mean loss of the outputs on a batch, a float32 scalar.

        Args:
            targets: Targets, structured as the outputs.
            outputs: The model's outputs.

        Raises:
            InputError: If there is not a loss and a target for each output.
        """
        return sum(weight * self._one(loss, *of) for weight, loss, *of in self._parts(targets, outputs))

    def _parts(self, targets: Any, outputs: Any) -> Iterable[tuple[Any, ...]]:
        """Returns weight, loss, target and output of each output.

        Args:
            targets: Targets, structured as the outputs.
            outputs: The model's outputs.

        Raises:
            InputError: If there is not one of each.
        """
        outputs = self._in_order(outputs)
        targets = self._in_order(targets) if len(outputs) > 1 else [targets]
        losses, weights = self._in_order(self._losses), self._in_order(self._weights)
        losses = losses * len(outputs) if len(losses) == 1 else losses
        weights = [1.0] * len(outputs) if weights == [None] else weights
        if not len(losses) == len(weights) == len(targets) == len(outputs):
            raise InputError(
                f"`loss` and `y` must have an entry for each output. Received: outputs={len(outputs)}, "
                f"losses={len(losses)}, targets={len(targets)}"
            )
        return zip(weights, losses, targets, outputs, strict=True)

    def error(self, targets: Array, outputs: Array) -> Array:
        """Returns the share of wrong predictions, a float32 scalar; for a loss that counts errors."""
        outputs = ops.cast(keras.tree.flatten(outputs)[0], "float32")
        kind = _kind(self._losses)
        if kind in _BINARY:
            threshold = 0.0 if getattr(self._losses, "_fn_kwargs", {}).get("from_logits") else 0.5
            right = ops.equal(ops.cast(outputs > threshold, "float32"), ops.cast(targets, "float32"))
        else:
            if kind in _SPARSE:
                labels = ops.cast(ops.reshape(targets, ops.shape(outputs)[:-1]), "int32")
                targets = ops.one_hot(labels, outputs.shape[-1], dtype=outputs.dtype)
            # Not argmax, which TensorFlow cannot vectorize: the label's output is the largest.
            labelled = targets >= ops.max(targets, axis=-1, keepdims=True)
            right = ops.max(ops.where(labelled, outputs, -1e30), axis=-1) >= ops.max(outputs, axis=-1)
        return 1.0 - ops.mean(ops.cast(right, "float32"))

    def mean_and_error(self, targets: Any, outputs: Any) -> tuple[Array, Array]:
        """Returns both; the error rate is NaN where it means nothing."""
        mean = self.mean(targets, outputs)
        return mean, self.error(targets, outputs) if self.counts_errors else ops.full_like(mean, float("nan"))

    def _one(self, loss: Callable[..., Any], target: Array, output: Array) -> Array:
        if self._normalize:
            output = output - ops.mean(output, axis=-1, keepdims=True)
            output = output / ops.maximum(ops.norm(output, axis=-1, keepdims=True), 1e-10)
        value = loss(target, output)
        if getattr(loss, "reduction", None) in AVERAGES:
            value = unscale_loss(value)
        return ops.cast(ops.mean(value), "float32")

    def _in_order(self, structure: Any) -> list[Any]:
        """Returns what belongs to each output, in the order of the outputs."""
        if isinstance(structure, Mapping):
            names = self._names if set(self._names) == set(structure) else sorted(structure)
            return [structure[name] for name in names]
        return list(structure) if isinstance(structure, (list, tuple)) else [structure]


def _check_labels(loss: Any, targets: np.ndarray, shape: Sequence[int | None]) -> None:
    kind, options = _kind(loss), getattr(loss, "_fn_kwargs", {})
    most = shape[options.get("axis", -1)] if kind in _SPARSE else 2
    if kind is None or most is None:
        return
    require(targets.dtype.kind in "biuf", "`y` must hold numbers", dtype=str(targets.dtype))
    right = (targets >= 0) & (targets <= most - 1)
    what = "probabilities in `y` must be from 0 to 1"
    if kind in _SPARSE:
        right = right & (targets == np.round(targets)) | (targets == options.get("ignore_class"))
        what = f"labels in `y` must be whole numbers from 0 to {most - 1}"
    require(bool(right.all()), what, labels=np.unique(targets[~right])[:3].tolist())


def _get(loss: Any) -> Callable[..., Any]:
    try:
        return keras.losses.get(loss)
    except ValueError:
        raise InputError(
            f"`loss` must be a Keras loss, its name or a function of (y_true, y_pred). Received: loss={loss!r}"
        ) from None


def _is_keras(loss: Callable[..., Any]) -> bool:
    home = loss.__module__ if hasattr(loss, "__name__") else type(loss).__module__
    return home.startswith("keras.")


def _name(loss: Callable[..., Any]) -> str:
    return str(getattr(loss, "name", getattr(loss, "__name__", type(loss).__name__)))


def _kind(loss: Any) -> type | None:
    """Returns the class of a cross-entropy, also for Keras's function of the same name; None for all else."""
    kinds = (*_SPARSE, *_BINARY, *_ONE_HOT)
    if isinstance(loss, kinds):
        return next(kind for kind in kinds if isinstance(loss, kind))
    name = getattr(loss, "__name__", "")
    return _FUNCTIONS.get(name) if getattr(keras.losses, name, None) is loss else None
