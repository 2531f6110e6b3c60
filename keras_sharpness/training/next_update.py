"""The next update of an optimizer, computed without taking it, and the curvature at which it becomes unstable."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.backend.internals import preconditioner, pure_optimizer
from keras_sharpness.typing import Weights


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class NextUpdate:
    """What an optimizer would do next.

    Attributes:
        learning_rate: Its learning rate.
        direction: What it would subtract from the weights, divided by the learning rate; an array for each.
        preconditioner: What it multiplies entries of the gradient by, of an adaptive optimizer, else None.
    """

    learning_rate: float
    direction: list[np.ndarray]
    preconditioner: list[np.ndarray] | None


def next_update(optimizer: keras.optimizers.Optimizer, weights: Weights, gradient: Weights) -> NextUpdate:
    """Returns the next update of an optimizer, which is left as it is.

    Momentum, weight decay, clipping, schedules and averages are part of it. An optimizer that accumulates gradients
    gets this one until it updates.

    Args:
        optimizer: A built optimizer.
        weights: The weights that it was built for.
        gradient: The gradient that it would get.
    """
    pure, inner = pure_optimizer(optimizer), innermost(optimizer)
    rate = float(ops.convert_to_numpy(ops.convert_to_tensor(optimizer.learning_rate)))
    with backend.unrecorded():
        state = [variable.value for variable in pure.variables]
        scaled = [ops.convert_to_tensor(optimizer.scale_loss(g)) for g in gradient]
        after = weights
        for _ in range(inner.gradient_accumulation_steps or 1):
            after, state = pure.stateless_apply(state, scaled, after)
        known = {id(variable): value for variable, value in zip(pure.variables, state, strict=True)}
        factors = preconditioner(inner, known)
        moved = [_numpy(w) - _numpy(v) for w, v in zip(weights, after, strict=True)]
    return NextUpdate(
        learning_rate=rate,
        direction=[step / rate for step in moved] if rate else moved,
        preconditioner=None if factors is None else [_numpy(factor) for factor in factors],
    )


def threshold(optimizer: keras.optimizers.Optimizer, learning_rate: float) -> float:
    """Returns the curvature above which full-batch training by an optimizer oscillates on a quadratic loss.

    Gradient descent: 2 / eta; with momentum beta: (2 + 2 beta) / eta, Nesterov's divided by 1 + 2 beta
    (arXiv:2103.00065, appendix B). Adaptive optimizers, of the preconditioned Hessian: RMSprop and Adagrad as these,
    Adam (2 + 2 beta_1) / ((1 - beta_1) eta) (arXiv:2207.14484, equation 2). NaN for others.

    Args:
        optimizer: The optimizer.
        learning_rate: Its learning rate eta now.
    """
    optimizers, inner = keras.optimizers, innermost(optimizer)
    if isinstance(inner, optimizers.Adam):
        return float((2 + 2 * inner.beta_1) / ((1 - inner.beta_1) * learning_rate)) if learning_rate else float("inf")
    if not isinstance(inner, (optimizers.SGD, optimizers.RMSprop, optimizers.Adagrad)):
        return float("nan")
    beta = float(getattr(inner, "momentum", 0.0) or 0.0)
    shape = (2 + 2 * beta) / (1 + 2 * beta if getattr(inner, "nesterov", False) else 1)
    return float(shape / learning_rate) if learning_rate else float("inf")


def innermost(optimizer: Any) -> Any:
    """Returns the optimizer that one which scales losses holds, or the optimizer itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def _numpy(array: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(array), dtype=np.float64)
