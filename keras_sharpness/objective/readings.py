"""What is read off one output of a batch, its target and its sample weights: loss, mass, error rate, wrong labels."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness.backend.internals import find_loss, keras_mask, unscale_loss
from keras_sharpness.errors import require
from keras_sharpness.typing import Array

AMBIGUOUS = ("crossentropy", "ce")
"""Names that stand for one of three losses, which the shapes of targets and outputs decide."""
AVERAGES = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
SPARSE = (keras.losses.SparseCategoricalCrossentropy,)
BINARY = (keras.losses.BinaryCrossentropy, keras.losses.BinaryFocalCrossentropy)
_ONE_HOT = (keras.losses.CategoricalCrossentropy, keras.losses.CategoricalFocalCrossentropy)
_FUNCTIONS = {
    "sparse_categorical_crossentropy": SPARSE[0],
    "binary_crossentropy": BINARY[0],
    "binary_focal_crossentropy": BINARY[1],
    "categorical_crossentropy": _ONE_HOT[0],
    "categorical_focal_crossentropy": _ONE_HOT[1],
}


class Reading(keras.losses.Loss):
    """Takes the place of a loss, so that Keras hands it the output, target and sample weights that belong together."""

    def __init__(self, loss: Any) -> None:
        """Reads for a loss: Keras's or a user's object, a function of (y_true, y_pred), or an ambiguous name."""
        super().__init__(name=name_of(loss))
        self._ambiguous = loss if isinstance(loss, str) else None
        self._found = None if isinstance(loss, str) else find_loss(loss, None, None)

    def loss(self, target: Array, output: Array) -> keras.losses.Loss:
        """Returns the loss object that Keras would use."""
        return self._found or find_loss(self._ambiguous, target, output)


class Mean(Reading):
    """The loss as Keras reduces it, before a strategy divides it among replicas."""

    def __init__(self, loss: Any, normalize_logits: bool = False) -> None:
        """Reads the loss, of normalized logits if asked for."""
        super().__init__(loss)
        self._normalize = normalize_logits

    def __call__(self, target: Array, output: Array, sample_weight: Array | None = None) -> Array:
        """Returns the loss, a scalar."""
        if self._normalize:
            output = output - ops.mean(output, axis=-1, keepdims=True)
            output = output / ops.maximum(ops.norm(output, axis=-1, keepdims=True), 1e-10)
        loss = self.loss(target, output)
        value = loss(target, output, sample_weight)
        return ops.mean(unscale_loss(value) if loss.reduction in AVERAGES else value)


class Mass(Reading):
    """What the mean over the batch divides by."""

    def __call__(self, target: Array, output: Array, sample_weight: Array | None = None) -> Array:
        """Returns the number of examples, or of entries that count, or the sum of the sample weights; a scalar."""
        loss = self.loss(target, output)
        mask, weighted = counted(target, output, loss), loss.reduction == "mean_with_sample_weight"
        if weighted and sample_weight is not None:
            return ops.sum(weights_of(mask, sample_weight))
        return ops.cast(ops.shape(output)[0], "float32") if mask is None else ops.sum(mask)


class Count(Reading):
    """What the error rate of the batch divides by."""

    def __call__(self, target: Array, output: Array, sample_weight: Array | None = None) -> Array:
        """Returns the number of examples, or the sum of the weights of those that count; a scalar."""
        weights = weights_of(counted(target, output, self.loss(target, output)), sample_weight)
        return ops.cast(ops.shape(output)[0], "float32") if weights is None else ops.sum(weights)


class Error(Reading):
    """The share of wrong predictions of a cross-entropy's output."""

    def __call__(self, target: Array, output: Array, sample_weight: Array | None = None) -> Array:
        """Returns the weighted share of wrong predictions among those that count, a float32 scalar."""
        right = self._right(ops.convert_to_tensor(target), ops.cast(output, "float32"))
        weights = weights_of(counted(target, output, self.loss(target, output)), sample_weight)
        if weights is None:
            return 1.0 - ops.mean(right)
        weights = ops.broadcast_to(_of_rank(weights, len(right.shape)), ops.shape(right))
        return 1.0 - ops.divide_no_nan(ops.sum(right * weights), ops.sum(weights))

    def _right(self, target: Array, output: Array) -> Array:
        """Returns one where the prediction is right, else zero."""
        loss = self.loss(target, output)
        kind = kind_of(loss)
        if kind in BINARY:
            threshold = 0.0 if options_of(loss).get("from_logits") else 0.5
            target = ops.reshape(target, ops.shape(output))
            return ops.cast(ops.equal(ops.cast(output > threshold, "float32"), ops.cast(target, "float32")), "float32")
        if kind in SPARSE:
            labels = ops.cast(ops.reshape(target, ops.shape(output)[:-1]), "int32")
            target = ops.one_hot(labels, output.shape[-1], dtype=output.dtype)
        # Not argmax, which TensorFlow cannot vectorize: the label's output is the largest.
        labelled = target >= ops.max(target, axis=-1, keepdims=True)
        best = ops.max(ops.where(labelled, output, -1e30), axis=-1)
        return ops.cast(best >= ops.max(output, axis=-1), "float32")


class Check(Reading):
    """The labels that a cross-entropy is taken of."""

    def __call__(self, target: Array, output: Array, sample_weight: Array | None = None) -> Array:
        """Returns zero if all labels are right.

        Raises:
            InputError: If a label is not the number of an output, or a probability not from 0 to 1.
        """
        loss = self.loss(target, output)
        kind, options = kind_of(loss), options_of(loss)
        most = output.shape[options.get("axis", -1)] if kind in SPARSE else 2
        if kind is not None and most is not None:
            _check_labels(kind, ops.convert_to_numpy(target), most, options.get("ignore_class"))
        return ops.zeros(())


def kind_of(loss: Any) -> type | None:
    """Returns the class of a cross-entropy, also for Keras's function of the same name; None for all else."""
    fn = getattr(loss, "fn", loss)
    name = getattr(fn, "__name__", "")
    return _FUNCTIONS.get(name) if getattr(keras.losses, name, None) is fn else None


def options_of(loss: Any) -> dict[str, Any]:
    """Returns the options of a loss of Keras, such as `from_logits`."""
    return getattr(loss, "_fn_kwargs", {})


def counted(target: Array, output: Array, loss: Any) -> Array | None:
    """Returns one for entries that count and zero for those masked or of an ignored class; None if all do."""
    mask, ignored = keras_mask(output), options_of(loss).get("ignore_class")
    if ignored is not None:
        labels = ops.reshape(target, ops.shape(output)[:-1])
        valid = ops.not_equal(labels, ops.cast(ignored, labels.dtype))
        mask = valid if mask is None else ops.logical_and(mask, valid)
    return None if mask is None else ops.cast(mask, "float32")


def weights_of(mask: Array | None, sample_weight: Array | None) -> Array | None:
    """Returns the weights of entries: those of the examples, zero where masked; None if all are one."""
    if sample_weight is None or mask is None:
        return mask if sample_weight is None else ops.cast(sample_weight, "float32")
    return mask * _of_rank(ops.cast(sample_weight, "float32"), len(mask.shape))


def name_of(loss: Any) -> str:
    """Returns the name of a loss, as Keras shows it."""
    if isinstance(loss, str):
        return loss
    return str(getattr(loss, "name", getattr(loss, "__name__", type(loss).__name__)))


def _of_rank(array: Array, rank: int) -> Array:
    """Returns an array with axes of length one added or taken away at its end."""
    while len(array.shape) < rank:
        array = ops.expand_dims(array, axis=-1)
    while len(array.shape) > rank:
        array = ops.squeeze(array, axis=-1)
    return array


def _check_labels(kind: type, targets: np.ndarray, most: int, ignored: int | None) -> None:
    require(targets.dtype.kind in "biuf", "`y` must hold numbers", dtype=str(targets.dtype))
    right = (targets >= 0) & (targets <= most - 1)
    what = "probabilities in `y` must be from 0 to 1"
    if kind in SPARSE:
        right = right & (targets == np.round(targets)) | (targets == ignored)
        what = f"labels in `y` must be whole numbers from 0 to {most - 1}"
    require(bool(right.all()), what, labels=np.unique(targets[~right])[:3].tolist())
