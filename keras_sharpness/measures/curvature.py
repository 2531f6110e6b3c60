"""Gradient and Hessian of the mean loss over many examples, as operators on flat NumPy vectors."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_sharpness import backend
from keras_sharpness.arrays import tree
from keras_sharpness.errors import require, require_count
from keras_sharpness.measures.batches import check_indices
from keras_sharpness.objective import selection
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.objective.objective import Objective, values
from keras_sharpness.objective.selection import Selection
from keras_sharpness.perturbations import Ball
from keras_sharpness.typing import Array, Data, State, Weights

# Its further arguments, for the measures that hand them on.
OPTIONS = ("scaling", "eta", "examples", "batch_size", "select", "training", "normalize_logits")


class Curvature:
    """The Hessian D H D of the mean loss, D the diagonal of a scale (the identity for the plain Hessian).

    With c = |w|, x'(D H D)x is the second derivative of the loss in the adaptive geometry, where a perturbation is
    delta = c nu. Vectors hold the entries of the weights that move, one after another, in float64.

    Attributes:
        size: Entries of a vector.
    """

    def __init__(
        self,
        model: keras.Model,
        x: Any,
        y: Any = None,
        loss: LossLike = None,
        *,
        scaling: str = "none",
        eta: float = 0.0,
        examples: ArrayLike | None = None,
        batch_size: int | None = None,
        select: Selection = "all",
        training: bool = False,
        normalize_logits: bool = False,
    ) -> None:
        """Compiles the products.

        Args:
            model: Built Keras model.
            x: Inputs; see `worst_case_sharpness`.
            y: Targets.
            loss: The loss; None takes the compiled one.
            scaling: "none" for the Hessian itself, or a scale of the ball: "adaptive", "per_filter", "per_layer".
            eta: Floor added to the scale.
            examples: Indices of the examples that the loss is averaged over; None: all.
            batch_size: Examples in one pass; None: all at once.
            select: Which weights move.
            training: Whether layers run in training mode.
            normalize_logits: Whether logits are normalized before the loss.

        Raises:
            InputError: If an argument is out of range or does not fit the others.
        """
        require_count("batch_size", 1 if batch_size is None else batch_size)
        objective = Objective(model, loss, x, y, normalize_logits)
        examples = np.arange(objective.num_examples) if examples is None else examples
        examples = check_indices(examples, 1, objective.num_examples, "examples")
        objective.check(examples)
        self._pieces = [
            examples[k : k + (batch_size or len(examples))]
            for k in range(0, len(examples), batch_size or len(examples))
        ]
        self._objective = objective
        self._weights, self._state = values(model)
        self._chosen = selection.select(model, select)
        self._shapes = [tuple(w.shape) for w in self._weights]
        scale = Ball(rho=0.0, scaling=scaling, eta=eta).around(self._weights).scale
        self._scale = self._gather(scale)
        self.size = len(self._scale)

        def loss_at(weights: Weights, state: State, data: Data, indices: Array) -> Array:
            return objective.loss(weights, state, data, indices, training)

        def product(weights: Weights, direction: Weights, *rest: Any) -> Weights:
            return backend.hvp(lambda w: loss_at(w, *rest))(weights, direction)

        self._product = backend.compile(product)
        self._gradient = backend.compile(backend.value_and_grad(loss_at))
        self._loss = backend.compile(loss_at)

    @property
    def weights(self) -> np.ndarray:
        """The weights that move, shape (size,)."""
        return self._gather(self._weights)

    def hessian(self, vector: np.ndarray) -> np.ndarray:
        """Returns (D H D) times a vector, both of shape (size,)."""
        direction = self._scatter(self._scale * np.ravel(vector))
        parts = self._mean(lambda piece: self._product(self._weights, direction, self._state, *piece))
        return self._scale * self._gather(parts)

    def gradient(self) -> tuple[float, np.ndarray]:
        """Returns the mean loss and D times its gradient, shape (size,)."""
        loss, gradient = self._mean(lambda piece: self._gradient(self._weights, self._state, *piece))
        return float(loss), self._scale * self._gather(gradient)

    def loss(self, move: np.ndarray) -> float:
        """Returns the mean loss at w + D move."""
        weights = tree.add(self._weights, self._scatter(self._scale * move))
        return float(self._mean(lambda piece: self._loss(weights, self._state, *piece)))

    def check_deterministic(self) -> None:
        """Raises if the same loss comes out different twice, as an average over noise would be needed then.

        Raises:
            InputError: If the loss is random.
        """
        first, second = (self.gradient()[0] for _ in range(2))
        require(
            bool(np.isclose(first, second, rtol=1e-5)),
            "the loss must be the same when it is taken twice",
            losses=(first, second),
        )

    def _mean(self, evaluate: Callable[[tuple], Any]) -> Any:
        """Returns the average over the pieces, weighted by their sizes, in float64."""
        total: Any = None
        share = 1 / sum(map(len, self._pieces))
        for piece in self._pieces:
            with backend.repeatable():
                part = evaluate((self._objective.data, ops.convert_to_tensor(piece)))
            weight = len(piece) * share
            part = keras.tree.map_structure(lambda a, weight=weight: weight * _float64(a), part)
            total = part if total is None else keras.tree.map_structure(np.add, total, part)
        return total

    def _gather(self, arrays: Weights) -> np.ndarray:
        chosen = [_float64(a).ravel() for a, moves in zip(arrays, self._chosen, strict=True) if moves]
        return np.concatenate(chosen)

    def _scatter(self, vector: np.ndarray) -> Weights:
        arrays, start = [], 0
        for weight, shape, moves in zip(self._weights, self._shapes, self._chosen, strict=True):
            size = int(np.prod(shape)) if moves else 0
            part = vector[start : start + size].reshape(shape) if moves else np.zeros(shape)
            arrays.append(ops.cast(ops.convert_to_tensor(part.astype("float32")), weight.dtype))
            start += size
        return arrays


def _float64(array: Array) -> np.ndarray:
    return ops.convert_to_numpy(array).astype(np.float64)
