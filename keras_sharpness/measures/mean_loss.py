"""The mean loss over all examples, as a function of one flat NumPy vector."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.arrays import tree
from keras_sharpness.errors import require, require_count
from keras_sharpness.execution.progress import follow
from keras_sharpness.measures.checked_data import STREAMED
from keras_sharpness.measures.sample import Sample
from keras_sharpness.objective.objective import Objective
from keras_sharpness.objective.pieces import pieces_of
from keras_sharpness.objective.selection import select
from keras_sharpness.perturbations import Ball
from keras_sharpness.typing import Array, Data, ScalingName, State, Weights


class MeanLoss:
    """The mean loss at w + D v, D the diagonal of a scale, v a vector (the identity for the plain loss).

    Vectors hold the entries of the weights that move, one after another, in float64. The weights are those that the
    model has when this is made.

    Attributes:
        size: Entries of a vector.
        weights: The weights that move, shape (size,).
        shares: Share of each piece of the examples in the loss.
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
        sample.check_passes(len(sample.examples))
        # The model too, which compiled functions do not keep alive.
        self._sample, self._training = sample, sample.training
        # Copies, since training would change what some backends return.
        self._weights, self._state = keras.tree.map_structure(_copy, sample.values())
        shapes = [tuple(weight.shape) for weight in self._weights]
        self._moves = np.repeat(select(sample.model, sample.select), [int(np.prod(shape)) for shape in shapes])
        self._scale = self._moving(_flat(Ball(rho=0.0, scaling=scaling, eta=eta).around(self._weights).scale))
        self.weights = self._moving(_flat(self._weights))
        self.size = len(self.weights)
        training = self._training
        self._loss = sample.compile(lambda objective: _loss(objective, training), ("loss", training))
        self._gradient = sample.compile(lambda objective: _gradient(objective, training), ("gradient", training))
        size, count = sample.batch_size or (STREAMED if sample.streams else len(sample.examples)), len(sample.examples)
        self._sizes = [min(size, count - start) for start in range(0, count, size)]
        self._held = None if sample.streams else self._cut()
        self.shares = self._find_shares()

    def loss(self, move: np.ndarray) -> float:
        """Returns the mean loss at w + D move."""
        return float(self._mean(self._loss, self._all(self._scale * move)))

    def gradient(self) -> tuple[float, np.ndarray]:
        """Returns the mean loss and D times its gradient, shape (size,)."""
        loss, gradient = self._mean(self._gradient)
        return float(loss), self._scale * self._moving(gradient)

    def product(self, function: Callable[..., Any], vector: np.ndarray) -> np.ndarray:
        """Returns D M D times a vector, M a symmetric matrix of the mean loss.

        Args:
            function: From (weights, direction, state, data, indices) to M of a piece times the direction. Direction and
                product are flat and hold the entries of all weights; see `flatten`.
            vector: Shape (size,).
        """
        return self._scale * self._moving(self._mean(function, self._all(self._scale * np.ravel(vector))))

    def arrays(self, vector: np.ndarray) -> Weights:
        """Returns D times a vector as an array for each trainable weight, zero where weights do not move."""
        return unflatten(self._all(self._scale * vector), self._weights)

    def check_deterministic(self) -> None:
        """Raises if the loss of the first examples differs between two evaluations.

        In training mode, noise that every evaluation repeats is no difference: that of Keras's layers, and on PyTorch
        all that draws from the global generator. In inference mode, such draws are a difference.

        Raises:
            InputError: If the loss is random.
        """
        nowhere, (data, piece) = self._all(np.zeros(self.size)), next(iter(self._pieces()))

        def evaluate() -> float:
            return float(self._loss(self._weights, nowhere, self._state, data, piece))

        def repeat() -> float:
            with backend.repeatable():
                return evaluate()

        # From one context to the next the generator starts anew, within a context it goes on.
        with backend.repeatable():
            first, second = (repeat() if self._training else evaluate() for _ in range(2))
        same = bool(np.isclose(first, second, rtol=1e-6, atol=0, equal_nan=True))
        require(same, "the loss must be the same when it is evaluated twice", losses=(first, second))

    def _mean(self, function: Callable[..., Any], *vectors: Array) -> Any:
        """Returns the average over the pieces, weighted by their sizes, in float64."""
        total: Any = None
        pieces = follow(self._pieces(), len(self.shares), "pass", self._sample.progress)
        for share, (data, piece) in zip(self.shares, pieces, strict=True):
            with backend.repeatable():
                part = function(self._weights, *vectors, self._state, data, piece)
            part = keras.tree.map_structure(lambda a, share=share: share * _float64(a), part)
            total = part if total is None else keras.tree.map_structure(np.add, total, part)
        return total

    def _pieces(self) -> Iterable[tuple[Data, Array]]:
        """Returns the pieces: data, and the indices of the examples in them."""
        if self._held is not None:
            return self._held
        stream = zip(self._sizes, self._sample.stream(), strict=True)
        return ((data.tensors, ops.arange(size, dtype="int32")) for size, data in stream)

    def _cut(self) -> list[tuple[Data, Array]]:
        """Returns the pieces of data that are held."""
        whole, ends = self._sample.whole(), np.cumsum(self._sizes)[:-1]
        return [(whole.data.tensors, ops.convert_to_tensor(part)) for part in np.split(whole.places[0], ends)]

    def _find_shares(self) -> np.ndarray:
        """Returns the share of each piece in the loss."""
        sample, masses = self._sample, np.array(self._sizes, float)
        if len(masses) == 1:
            return np.ones(1)
        kind = pieces_of(sample.objective, *sample.first(), self._training)
        if kind == "weighted":
            mass = sample.compile(lambda objective: objective.mass, "mass")
            masses = np.array([float(mass(self._weights, self._state, *piece)) for piece in self._pieces()])
        return np.ones(len(masses)) if kind == "sum" else masses / masses.sum()

    def _moving(self, vector: np.ndarray) -> np.ndarray:
        """Returns the entries that move."""
        return vector[self._moves]

    def _all(self, vector: np.ndarray) -> Array:
        """Returns a tensor of the entries of all weights, zero where they do not move."""
        entries = np.zeros(len(self._moves), precision(self._weights))
        entries[self._moves] = vector
        return ops.convert_to_tensor(entries)


def flatten(arrays: Weights) -> Array:
    """Returns the entries of all arrays, one after another. For use inside compiled functions.

    One tensor costs one transfer to NumPy, a list one for each array.

    Args:
        arrays: The arrays, at least one.
    """
    dtype = precision(arrays)
    return ops.concatenate([ops.cast(ops.reshape(array, (-1,)), dtype) for array in arrays])


def unflatten(vector: Array, weights: Weights) -> Weights:
    """Returns the arrays whose entries a flat tensor holds. For use inside compiled functions.

    Args:
        vector: The entries.
        weights: Arrays of the shapes and dtypes to return.
    """
    arrays, start = [], 0
    for weight in weights:
        stop = start + int(np.prod(tuple(weight.shape)))
        arrays.append(ops.cast(ops.reshape(vector[start:stop], tuple(weight.shape)), weight.dtype))
        start = stop
    return arrays


def precision(arrays: Weights) -> str:
    """Returns "float64" if there is an array of it, else "float32"; sums in less would lose digits.

    Args:
        arrays: The arrays.
    """
    return "float64" if any(keras.backend.standardize_dtype(a.dtype) == "float64" for a in arrays) else "float32"


def _loss(objective: Objective, training: bool) -> Callable[..., Array]:
    def loss(weights: Weights, move: Array, state: State, data: Data, indices: Array) -> Array:
        return objective.loss(tree.add(weights, unflatten(move, weights)), state, data, indices, training)

    return loss


def _gradient(objective: Objective, training: bool) -> Callable[..., tuple[Array, Array]]:
    def gradient(weights: Weights, state: State, data: Data, indices: Array) -> tuple[Array, Array]:
        loss, arrays = backend.value_and_grad(objective.loss)(weights, state, data, indices, training)
        return loss, flatten(arrays)

    return gradient


def _copy(tensor: Array) -> Array:
    return ops.copy(ops.stop_gradient(tensor))


def _flat(arrays: Iterable[Array]) -> np.ndarray:
    return np.concatenate([_float64(array).ravel() for array in arrays])


def _float64(array: Array) -> np.ndarray:
    return ops.convert_to_numpy(array).astype(np.float64)
