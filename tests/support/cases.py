"""The networks of the package on small data, beside their float64 references."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sharpness import models
from keras_sharpness.objective.graph import Graph
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective
from tests.support import reference

CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@dataclasses.dataclass
class Case:
    model: keras.Model
    loss: Any
    x: Any
    y: np.ndarray
    step_size: float
    rho: float
    reference: Callable  # batch -> (weights -> value and gradient)

    @property
    def weights(self) -> list[np.ndarray]:
        return [ops.convert_to_numpy(v.value).astype(np.float64) for v in self.model.trainable_variables]

    @property
    def data(self) -> LabelledData:
        return LabelledData(self.x, self.y)

    @property
    def objective(self) -> Objective:
        return Objective(self.model, self.loss, on_graph=isinstance(self.x, Graph))

    def reference_paths(self, batches, num_steps, scale=np.abs) -> np.ndarray:
        weights = self.weights
        scales = [scale(w) for w in weights]
        fn = self.reference
        return np.array(
            [reference.pga_path(fn(b), weights, self.rho, self.step_size, num_steps, scales) for b in batches]
        )


def randomize(model: keras.Model, seed: int = 1) -> keras.Model:
    """Gives every weight a value that is neither zero nor one, so that nothing can hide."""
    rng = np.random.default_rng(seed)
    for v in model.trainable_variables:
        v.assign(rng.normal(size=v.shape, scale=0.5 / np.sqrt(max(np.prod(v.shape[:-1]), 1))))
    for v in model.non_trainable_variables:
        if "moving" in v.path:
            v.assign(rng.uniform(0.5, 1.5, size=v.shape))
    return model


def fcnn() -> Case:
    rng = np.random.default_rng(0)
    model = randomize(models.fcnn())
    x, y = rng.normal(size=(200, 10)), rng.normal(size=(200, 1))

    def fn(batch):
        return reference.value_and_gradient(
            lambda w: reference.fcnn(w, x[batch]), reference.mean_squared_error, y[batch]
        )

    return Case(model, "mean_squared_error", x.astype("float32"), y.astype("float32"), 0.05, 0.05, fn)


def lenet5() -> Case:
    rng = np.random.default_rng(0)
    model = randomize(models.lenet5())
    x, y = rng.normal(size=(40, 28, 28, 1)), rng.integers(0, 10, 40).astype("int32")
    moving = [v for v in model.non_trainable_variables if "moving" in v.path]
    statistics = [ops.convert_to_numpy(v.value).astype(np.float64) for v in moving]

    def fn(batch):
        network = lambda w: reference.lenet5(w, x[batch], statistics)  # noqa: E731
        return reference.value_and_gradient(network, reference.cross_entropy, y[batch])

    return Case(model, CROSS_ENTROPY, x.astype("float32"), y, 0.05, 0.01, fn)


def gat(heads: int = 2) -> Case:
    rng = np.random.default_rng(0)
    model = randomize(models.gat(num_features=30, heads=heads))
    edges = rng.integers(0, 60, (2, 240)).astype("int32")
    x, y = (rng.random((60, 30)) < 0.2).astype("float32"), rng.integers(0, 7, 60).astype("int32")

    def fn(batch):
        network = lambda w: reference.gat(w, x.astype(np.float64), edges)  # noqa: E731
        return reference.value_and_gradient(network, reference.cross_entropy, y[batch], nodes=batch)

    return Case(model, CROSS_ENTROPY, Graph(x, edges), y, 0.5, 0.05, fn)


CASES = {"fcnn": fcnn, "lenet5": lenet5, "gat": gat}
# Their names, as parameters of a test.
NAMES = ["fcnn", *(pytest.param(name, marks=pytest.mark.slow) for name in ("lenet5", "gat"))]
