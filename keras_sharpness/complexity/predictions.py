"""What a classifier predicts on the training data, from one forward pass: loss, error, margins, entropy."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
from keras import ops

from keras_sharpness.backend.internals import CONVOLUTIONS, flatten_layers
from keras_sharpness.errors import require
from keras_sharpness.execution.plan import ASCENT_BATCH, EVALUATION_BATCH
from keras_sharpness.measures.sample import Sample
from keras_sharpness.objective.labelled_data import Weighted
from keras_sharpness.objective.losses import BatchLoss
from keras_sharpness.objective.objective import Objective
from keras_sharpness.objective.readings import BINARY, SPARSE, kind_of, options_of
from keras_sharpness.typing import Array, Data, State, Weights

# Logarithms of probabilities that float32 has rounded to zero.
SMALLEST = 1e-38


@dataclasses.dataclass(frozen=True, eq=False)
class Predictions:
    """Outputs for all training examples.

    Attributes:
        logits: float64, shape (n, classes).
        labels: Number of each example's class, shape (n,).
        loss: Mean training loss.
        error: Share of wrong predictions.
    """

    logits: np.ndarray
    labels: np.ndarray
    loss: float
    error: float

    @property
    def margins(self) -> np.ndarray:
        """Logit of the right class minus the largest other one, shape (n,): negative where the prediction is wrong."""
        rows = np.arange(len(self.logits))
        others = self.logits.copy()
        others[rows, self.labels] = -np.inf
        return cast(np.ndarray, self.logits[rows, self.labels] - others.max(axis=1))

    @property
    def entropy(self) -> float:
        """Mean entropy of the predicted probabilities, in nats."""
        shifted = self.logits - self.logits.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return float(-(np.exp(logs) * logs).sum(axis=1).mean())


def is_classifier(sample: Sample) -> bool:
    """Returns whether the model has one output and a cross-entropy of Keras's, so that error and margin are known.

    Args:
        sample: Model and loss.
    """
    loss = sample.objective.batch_loss
    return isinstance(loss, BatchLoss) and loss.counts_errors


def predict(sample: Sample) -> Predictions:
    """Runs a classifier on all examples of a sample, once.

    Args:
        sample: Model, loss and data.

    Returns:
        The outputs for all examples.

    Raises:
        InputError: If the outputs are not one row of classes for each example.
    """
    run = sample.compile(_forward, ("predictions",))
    found = [run(*sample.values(), *piece) for piece in _pieces(sample)]
    outputs, targets = (np.concatenate([_numpy(part[i]) for part in found]) for i in range(2))
    losses, errors, masses, counts = (np.array([float(part[i]) for part in found]) for i in range(2, 6))
    summed = cast(BatchLoss, sample.objective.batch_loss).sums
    loss = losses.sum() if summed else np.average(losses, weights=masses)
    logits, labels = _classes(outputs.astype(np.float64), targets, cast(BatchLoss, sample.objective.batch_loss))
    return Predictions(logits, labels, float(loss), float(np.average(errors, weights=counts)))


def _forward(objective: Objective) -> Callable[..., tuple[Array, ...]]:
    def forward(weights: Weights, state: State, data: Data, indices: Array) -> tuple[Array, ...]:
        outputs, targets, _ = objective.outputs(weights, state, data, indices, training=False)
        loss = objective.batch_loss
        labels = targets.y if isinstance(targets, Weighted) else targets
        read = (loss.mean_and_error(targets, outputs), (loss.mass(targets, outputs), loss.count(targets, outputs)))
        return outputs, labels, *read[0], *read[1]

    return forward


def _pieces(sample: Sample) -> Iterator[tuple[Data, Array]]:
    """Yields data and indices of the examples, as many as one forward pass takes."""
    if sample.streams:
        for data in sample.stream():
            yield data.tensors, ops.arange(data.num_examples, dtype="int32")
        return
    whole = sample.whole()
    places = whole.places[0]
    convolutional = any(isinstance(layer, CONVOLUTIONS) for layer in flatten_layers(sample.model))
    size = sample.batch_size or (EVALUATION_BATCH if convolutional else ASCENT_BATCH)
    size = len(places) if sample.objective.on_graph else min(size, len(places))
    for start in range(0, len(places), size):
        yield whole.data.tensors, ops.convert_to_tensor(places[start : start + size])


def _classes(outputs: np.ndarray, targets: np.ndarray, loss: BatchLoss) -> tuple[np.ndarray, np.ndarray]:
    """Returns logits of at least two classes, and the numbers of the right ones."""
    what = "outputs must have the shape (examples, classes) for margins"
    require(outputs.ndim == 2, what, shape=outputs.shape)
    part = loss.only_part
    kind, options = kind_of(part), options_of(part)
    logits = bool(options.get("from_logits"))
    if kind in BINARY:
        require(outputs.shape[1] == 1, what, shape=outputs.shape, loss=loss.name)
        odds = outputs if logits else _log(outputs) - _log(1 - outputs)
        return np.concatenate([np.zeros_like(odds), odds], axis=1), np.round(targets).astype(int).ravel()
    labels = targets.astype(int).ravel() if kind in SPARSE else targets.argmax(axis=-1)
    # Differences of the logarithms of probabilities are those of the logits.
    found = outputs if logits else _log(outputs)
    counted = labels != options["ignore_class"] if options.get("ignore_class") is not None else slice(None)
    return found[counted], labels[counted]


def _log(probabilities: np.ndarray) -> np.ndarray:
    return cast(np.ndarray, np.log(np.maximum(probabilities, SMALLEST)))


def _numpy(tensor: Any) -> np.ndarray:
    return cast(np.ndarray, ops.convert_to_numpy(tensor))
