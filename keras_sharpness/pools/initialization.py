"""Initial weights, drawn with NumPy: the same on every backend."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness.typing import State, Weights


@dataclasses.dataclass(frozen=True)
class Untouched:
    """A variable as it is now, whatever the model is given later.

    Attributes:
        name: Its name.
        path: Its path.
        shape: Its shape.
        dtype: Its type.
        value: Its value.
    """

    name: str
    path: str
    shape: tuple[int, ...]
    dtype: Any
    value: np.ndarray

    @classmethod
    def of(cls, variables: list[keras.Variable]) -> "list[Any]":
        """Returns copies of variables.

        Args:
            variables: The variables.
        """
        return [cls(v.name, v.path, tuple(v.shape), v.dtype, np.array(_value(v))) for v in variables]


class Origin:
    """Where the members of a pool start from: what a model holds when this is made, and what is drawn."""

    def __init__(self, model: keras.Model) -> None:
        """Takes the variables of a model as they are now."""
        self.trainable_variables = Untouched.of(model.trainable_variables)
        self.non_trainable_variables = Untouched.of(model.non_trainable_variables)


def initialize(
    model: keras.Model | Origin, rng: np.random.Generator, initialization: str = "glorot_uniform"
) -> tuple[Weights, State]:
    """Draws a fresh set of weights for an architecture.

    Args:
        model: The architecture, or what it held earlier; its own weights are only read.
        rng: Source of the draws.
        initialization: Name of one of `INITIALIZATIONS`.

    Returns:
        Trainable weights and non-trainable state, NumPy arrays. Seed generators get seeds of their own, and what the
        initialization does not draw (batch norm) starts as in the model.
    """
    weights = INITIALIZATIONS[initialization](model.trainable_variables, rng)
    state = [
        _seed(v, rng) if v.path.endswith("seed_generator_state") else _value(v) for v in model.non_trainable_variables
    ]
    return weights, state


def glorot_uniform(variables: list[keras.Variable], rng: np.random.Generator) -> Weights:
    """Draws arrays of two or more axes from +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, equation 16).

    The Xavier initialization of the paper's section III; all others stay as they are.

    Args:
        variables: Trainable variables.
        rng: Source of the draws.

    Returns:
        NumPy arrays of their shapes.
    """
    return [_uniform(_glorot_limit(v.shape), v.shape, rng) if len(v.shape) > 1 else _value(v) for v in variables]


def torch_default(variables: list[keras.Variable], rng: np.random.Generator) -> Weights:
    """Draws kernels and biases from +-1 / sqrt(fan_in), as PyTorch's linear and convolutional layers do by default.

    Args:
        variables: Trainable variables, each bias behind its kernel.
        rng: Source of the draws.

    Returns:
        NumPy arrays of their shapes.
    """
    weights, limit = [], 0.0
    for v in variables:
        if len(v.shape) > 1:
            limit = 1 / math.sqrt(math.prod(v.shape[:-1]))
        drawn = len(v.shape) > 1 or v.name == "bias"
        weights.append(_uniform(limit, v.shape, rng) if drawn else _value(v))
    return weights


INITIALIZATIONS: dict[str, Callable[[list[keras.Variable], np.random.Generator], Weights]] = {
    "glorot_uniform": glorot_uniform,
    "torch_default": torch_default,
}


def _glorot_limit(shape: tuple[int, ...]) -> float:
    receptive_field = math.prod(shape[:-2])
    return math.sqrt(6 / (receptive_field * (shape[-2] + shape[-1])))


def _uniform(limit: float, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def _seed(generator_state: keras.Variable, rng: np.random.Generator) -> np.ndarray:
    # Where the state is signed, the upper half of the seeds wraps around; `Dropout` takes it back.
    return np.array([rng.integers(2**32), 0], np.uint32).astype(generator_state.dtype)


def _value(variable: keras.Variable) -> np.ndarray:
    return ops.convert_to_numpy(variable.value)
