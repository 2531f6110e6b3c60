"""Small networks beside their dense curvature matrices, in float64 NumPy.

Derivatives are imaginary steps, f'(w) = Im f(w + ih) / h: exact to rounding, since every network is analytic.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

NUM_EXAMPLES = 12
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@dataclasses.dataclass
class Problem:
    model: keras.Model
    x: np.ndarray
    y: Any
    loss: Any
    outputs: Callable  # (arrays, x) -> a list of outputs (n, k), one for each of the losses
    heads: list  # (kind, targets, weight) for each output

    @property
    def arguments(self):
        return self.model, self.x, self.y, self.loss

    @property
    def weights(self) -> np.ndarray:
        arrays = [keras.ops.convert_to_numpy(v.value) for v in self.model.trainable_variables]
        return np.concatenate([a.ravel().astype(np.float64) for a in arrays])

    def at(self, vector) -> np.ndarray:
        """All outputs beside each other, shape (n, k)."""
        arrays, start = [], 0
        for v in self.model.trainable_variables:
            arrays.append(vector[start : start + int(np.prod(v.shape))].reshape(v.shape))
            start += arrays[-1].size
        return np.concatenate(self.outputs(arrays, self.x), axis=1)

    def jacobian(self, vector) -> np.ndarray:
        """Shape (n, k, number of weights)."""
        step = 1e-30j
        return np.stack([self.at(vector + step * e).imag / step.imag for e in np.eye(len(vector))], axis=-1)

    def slopes(self, vector) -> np.ndarray:
        """The gradient of each example's loss with respect to its outputs, shape (n, k)."""
        pairs = zip(self.heads, _split(self.at(vector), self.heads), strict=True)
        return np.concatenate([weight * _slope(*head, z) for (*head, weight), z in pairs], axis=1)

    def gradient(self, vector) -> np.ndarray:
        return np.einsum("nk,nkp->p", self.slopes(vector), self.jacobian(vector)) / NUM_EXAMPLES

    def matrix(self, kind) -> np.ndarray:
        vector = self.weights
        if kind == "hessian":
            steps = 1e-5 * np.eye(len(vector))
            return np.stack([(self.gradient(vector + e) - self.gradient(vector - e)) / 2e-5 for e in steps])
        jacobian = self.jacobian(vector)
        if kind == "fisher":
            gradients = np.einsum("nk,nkp->np", self.slopes(vector), jacobian)
            return gradients.T @ gradients / NUM_EXAMPLES
        middle = np.zeros((NUM_EXAMPLES, jacobian.shape[1], jacobian.shape[1]))
        start = 0
        for (name, _, weight), z in zip(self.heads, _split(self.at(vector), self.heads), strict=True):
            stop = start + z.shape[1]
            middle[:, start:stop, start:stop] = weight * _second(name, z)
            start = stop
        return np.einsum("nkp,nkl,nlq->pq", jacobian, middle, jacobian) / NUM_EXAMPLES


def _split(outputs, heads) -> list:
    if len(heads) == 1:
        return [outputs]
    return np.split(outputs, np.cumsum([_width(*head) for head in heads])[:-1], axis=1)


def _width(name, targets, _):
    return targets.shape[1] if name == "mse" else 3


def _softmax(z):
    z = np.exp(z - z.max(axis=1, keepdims=True))
    return z / z.sum(axis=1, keepdims=True)


def _slope(name, targets, z):
    return 2 / z.shape[1] * (z - targets) if name == "mse" else _softmax(z) - np.eye(z.shape[1])[targets]


def _second(name, z):
    if name == "mse":
        return np.broadcast_to(2 / z.shape[1] * np.eye(z.shape[1]), (len(z), z.shape[1], z.shape[1]))
    p = _softmax(z)
    return p[:, :, None] * np.eye(z.shape[1]) - p[:, :, None] * p[:, None, :]


def _problem(model, x, outputs, name) -> Problem:
    rng = np.random.default_rng(7)
    for v in model.trainable_variables:
        v.assign(rng.normal(size=v.shape))
    if name == "mse":
        y = rng.normal(size=(NUM_EXAMPLES, 3)).astype("float32")
        return Problem(model, x, y, "mean_squared_error", outputs, [("mse", y, 1.0)])
    y = rng.integers(0, 3, NUM_EXAMPLES)
    return Problem(model, x, y, CROSS_ENTROPY, outputs, [("cross_entropy", y, 1.0)])


def dense(name) -> Problem:
    model = keras.Sequential([keras.Input((3,)), layers.Dense(4, activation="tanh"), layers.Dense(3, name="out")])

    def outputs(w, x):
        return [np.tanh(x @ w[0] + w[1]) @ w[2] + w[3]]

    x = np.random.default_rng(0).normal(size=(NUM_EXAMPLES, 3)).astype("float32")
    return _problem(model, x, outputs, name)


def convolutional(name) -> Problem:
    hidden = layers.Conv2D(2, 3, activation="tanh")
    model = keras.Sequential([keras.Input((4, 4, 2)), hidden, layers.Flatten(), layers.Dense(3, name="out")])

    def outputs(w, x):
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))  # (n, 2, 2, channel, 3, 3)
        hidden = np.tanh(np.einsum("nijcab,abcd->nijd", windows, w[0]) + w[1])
        return [hidden.reshape(len(x), -1) @ w[2] + w[3]]

    x = np.random.default_rng(0).normal(size=(NUM_EXAMPLES, 4, 4, 2)).astype("float32")
    return _problem(model, x, outputs, name)


def embedding(name) -> Problem:
    tokens = [keras.Input((4,), dtype="int32"), layers.Embedding(5, 2), layers.Flatten()]
    model = keras.Sequential([*tokens, layers.Dense(3, activation="tanh"), layers.Dense(3, name="out")])

    def outputs(w, x):
        return [np.tanh(w[0][x].reshape(len(x), -1) @ w[1] + w[2]) @ w[3] + w[4]]

    x = np.random.default_rng(0).integers(0, 5, (NUM_EXAMPLES, 4)).astype("int32")
    return _problem(model, x, outputs, name)


def two_outputs() -> Problem:
    """A mean squared error and a cross-entropy, weighted."""
    inputs = keras.Input((3,))
    hidden = layers.Dense(4, activation="tanh")(inputs)
    model = keras.Model(inputs, [layers.Dense(2, name="size")(hidden), layers.Dense(3, name="kind")(hidden)])

    def outputs(w, x):
        hidden = np.tanh(x @ w[0] + w[1])
        return [hidden @ w[2] + w[3], hidden @ w[4] + w[5]]

    rng = np.random.default_rng(0)
    x = rng.normal(size=(NUM_EXAMPLES, 3)).astype("float32")
    problem = _problem(model, x, outputs, "mse")
    y = [rng.normal(size=(NUM_EXAMPLES, 2)).astype("float32"), rng.integers(0, 3, NUM_EXAMPLES)]
    model.compile("sgd", loss=["mean_squared_error", CROSS_ENTROPY], loss_weights=[0.5, 2.0])
    heads = [("mse", y[0], 0.5), ("cross_entropy", y[1], 2.0)]
    return dataclasses.replace(problem, y=y, loss=None, heads=heads)


PROBLEMS: dict[str, Callable[[], Problem]] = {
    **{
        f"{make.__name__}_{name}": lambda make=make, name=name: make(name)
        for make in (dense, convolutional, embedding)
        for name in ("mse", "cross_entropy")
    },
    "two_outputs": two_outputs,
}
