"""Initial weights, drawn with NumPy: the same on every backend."""

import math

import keras
import numpy as np
from keras import ops

from keras_sharpness.typing import State, Weights


def initialize(model: keras.Model, rng: np.random.Generator) -> tuple[Weights, State]:
    """Draws a fresh set of weights for an architecture, the Xavier initialization of the paper's section III.

    Args:
        model: The architecture; its own weights are only read.
        rng: Source of the draws.

    Returns:
        Trainable weights and non-trainable state, NumPy arrays. Arrays of two or more axes are Glorot uniform, seed
        generators get seeds of their own, and all others (biases, batch norm) start as the model's.
    """
    weights = [_glorot_uniform(v.shape, rng) if len(v.shape) > 1 else _value(v) for v in model.trainable_variables]
    state = [
        _seed(v, rng) if v.path.endswith("seed_generator_state") else _value(v) for v in model.non_trainable_variables
    ]
    return weights, state


def _glorot_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Returns a draw from +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, equation 16)."""
    receptive_field = math.prod(shape[:-2])
    limit = math.sqrt(6 / (receptive_field * (shape[-2] + shape[-1])))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def _seed(generator_state: keras.Variable, rng: np.random.Generator) -> np.ndarray:
    # Where the state is signed, the upper half of the seeds wraps around; `Dropout` takes it back.
    return np.array([rng.integers(2**32), 0], np.uint32).astype(generator_state.dtype)


def _value(variable: keras.Variable) -> np.ndarray:
    return ops.convert_to_numpy(variable.value)
