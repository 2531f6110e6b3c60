"""Two small problems, each as a Keras model and as the same network in PyTorch."""

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

NUM_EXAMPLES, WIDTHS = 20, (4, 5, 3)
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@dataclasses.dataclass
class Twins:
    model: keras.Model
    loss: Any
    x: np.ndarray
    y: np.ndarray
    module: Any  # the same network, in float64
    criterion: Any

    @property
    def arguments(self):
        """What the measures of this package take first."""
        return self.model, self.x, self.y, self.loss

    @property
    def order(self) -> np.ndarray:
        """Where the entries of PyTorch's parameters lie in a vector of this package; its kernels are transposed."""
        shapes = [v.shape for v in self.model.trainable_variables]
        ends = np.cumsum([np.prod(shape) for shape in shapes])
        parts = np.split(np.arange(ends[-1]), ends[:-1])
        return np.concatenate([part.reshape(shape).T.ravel() for part, shape in zip(parts, shapes, strict=True)])


@pytest.fixture(scope="session", params=["cross_entropy", "mean_squared_error"])
def twins(request) -> Twins:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    model = network(rng)
    x = rng.normal(size=(NUM_EXAMPLES, WIDTHS[0])).astype("float32")
    if request.param == "cross_entropy":
        y, loss, criterion = rng.integers(0, WIDTHS[-1], NUM_EXAMPLES), CROSS_ENTROPY, torch.nn.CrossEntropyLoss()
    else:
        y, loss, criterion = rng.normal(size=(NUM_EXAMPLES, WIDTHS[-1])), request.param, torch.nn.MSELoss()
        y = y.astype("float32")
    return Twins(model, loss, x, y, in_torch(torch, model), criterion)


def network(rng) -> keras.Model:
    layers = [keras.layers.Dense(WIDTHS[1], activation="tanh"), keras.layers.Dense(WIDTHS[2])]
    model = keras.Sequential([keras.Input(WIDTHS[:1]), *layers])
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return model


def in_torch(torch, model):
    first, last = (linear(torch, layer) for layer in model.layers)
    return torch.nn.Sequential(first, torch.nn.Tanh(), last)


def linear(torch, dense):
    kernel, bias = (torch.tensor(ops.convert_to_numpy(v.value), dtype=torch.float64) for v in dense.trainable_variables)
    layer = torch.nn.Linear(*kernel.shape, dtype=torch.float64)
    layer.load_state_dict({"weight": kernel.T, "bias": bias})
    return layer
