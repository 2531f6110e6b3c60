"""The mean loss over all examples, as a function of one flat NumPy vector."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.arrays import tree
from keras_sharpness.errors import require, require_count
from keras_sharpness.measures.sample import Sample
from keras_sharpness.objective.objective import Objective
from keras_sharpness.objective.selection import select
from keras_sharpness.perturbations import Ball
from keras_sharpness.typing import Array, ScalingName, Weights


class MeanLoss:
    """The mean loss at w + D v, D the diagonal of a scale, v a vector (the identity for the plain loss).

    Vectors hold the entries of the weights that move, one after another, in float64. The weights are those that the
    model has when this is made.

    Attributes:
        size: Entries of a vector.
        weights: The weights that move, shape (size,).
    """

    def __init__(self, sample: Sample, scaling: ScalingName = "none", eta: float = 0.0) -> None:
        """Takes the weights as they are.

        Args:
            sample: Model, loss and examples.
            scaling: "none" for D = 1, or a scale of the ball: "adaptive", "per_filter", "per_layer".
            eta: Floor added to the scale.

        Raises:
            InputError: If an argument is out of range.
        """
        require_count("batch_size", 1 if sample.batch_size is None else sample.batch_size)
        training = sample.training
        self._sample, self._chosen = sample, select(sample.model, sample.select)
        # Copies, since training would change what some backends return.
        self._weights, self._state = keras.tree.map_structure(ops.copy, sample.values())
        size = sample.batch_size or len(sample.examples)
        self._pieces = [sample.examples[k : k + size] for k in range(0, len(sample.examples), size)]
        self._scale = self._gather(Ball(rho=0.0, scaling=scaling, eta=eta).around(self._weights).scale)
        self.size, self.weights = len(self._scale), self._gather(self._weights)
        self._loss = sample.compile(lambda objective: _loss(objective, training), ("loss", training))
        self._gradient = sample.compile(
            lambda objective: backend.value_and_grad(_loss(objective, training)), ("gradient", training)
        )

    def loss(self, move: np.ndarray) -> float:
        """Returns the mean loss at w + D move."""
        weights = tree.add(self._weights, self._scatter(self._scale * move))
        return float(self._mean(lambda *rest: self._loss(weights, *rest)))

    def gradient(self) -> tuple[float, np.ndarray]:
        """Returns the mean loss and D times its gradient, shape (size,)."""
        loss, gradient = self._mean(lambda *rest: self._gradient(self._weights, *rest))
        return float(loss), self._scale * self._gather(gradient)

    def product(self, function: Callable, vector: np.ndarray) -> np.ndarray:
        """Returns D M D times a vector, M a symmetric matrix of the mean loss.

        Args:
            function: From (weights, direction, state, data, indices) to M of a piece times the direction.
            vector: Shape (size,).
        """
        direction = self._scatter(self._scale * np.ravel(vector))
        parts = self._mean(lambda *rest: function(self._weights, direction, *rest))
        return self._scale * self._gather(parts)

    def check_deterministic(self) -> None:
        """Raises if the loss differs between two evaluations; an average over its noise would be needed then.

        Raises:
            InputError: If the loss is random.
        """
        first, second = (self.loss(np.zeros(self.size)) for _ in range(2))
        same = bool(np.isclose(first, second, rtol=1e-6, atol=0, equal_nan=True))
        require(same, "the loss must be the same when it is evaluated twice", losses=(first, second))

    def _mean(self, evaluate: Callable[..., Any]) -> Any:
        """Returns the average over the pieces, weighted by their sizes, in float64."""
        total: Any = None
        for piece in self._pieces:
            with backend.repeatable():
                part = evaluate(self._state, self._sample.data.tensors, ops.convert_to_tensor(piece))
            weight = len(piece) / len(self._sample.examples)
            part = keras.tree.map_structure(lambda a, weight=weight: weight * _float64(a), part)
            total = part if total is None else keras.tree.map_structure(np.add, total, part)
        return total

    def _gather(self, arrays: Weights) -> np.ndarray:
        chosen = [_float64(a).ravel() for a, moves in zip(arrays, self._chosen, strict=True) if moves]
        return np.concatenate(chosen)

    def _scatter(self, vector: np.ndarray) -> Weights:
        arrays, start = [], 0
        for weight, moves in zip(self._weights, self._chosen, strict=True):
            shape = tuple(weight.shape)
            size = int(np.prod(shape)) if moves else 0
            part = vector[start : start + size].reshape(shape) if moves else np.zeros(shape)
            arrays.append(ops.cast(ops.convert_to_tensor(part.astype("float32")), weight.dtype))
            start += size
        return arrays


def _loss(objective: Objective, training: bool) -> Callable[..., Array]:
    return lambda weights, state, data, indices: objective.loss(weights, state, data, indices, training)


def _float64(array: Array) -> np.ndarray:
    return ops.convert_to_numpy(array).astype(np.float64)
