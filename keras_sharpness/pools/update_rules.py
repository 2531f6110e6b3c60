"""What a training step does with a gradient: plain gradient descent, or any optimizer of Keras."""

import dataclasses
from typing import Any, Protocol

import keras
import numpy as np
from keras import ops

from keras_sharpness.arrays import tree
from keras_sharpness.backend.internals import pure_optimizer
from keras_sharpness.errors import require
from keras_sharpness.typing import Weights

OptimizerVariables = list[Any]
"""What an optimizer keeps between steps: counters, rates and averages."""


class UpdateRule(Protocol):
    """Computes new weights from a gradient, a function of tensors alone."""

    def update(
        self, gradient: Weights, weights: Weights, variables: OptimizerVariables
    ) -> tuple[Weights, OptimizerVariables]:
        """Returns new weights and variables.

        Args:
            gradient: Gradient of the loss.
            weights: The weights.
            variables: What the rule kept from the last step.
        """


@dataclasses.dataclass(frozen=True)
class PlainSGD:
    """w <- w - learning_rate * (gradient + weight_decay * w); keeps nothing.

    Attributes:
        learning_rate: Learning rate.
        weight_decay: Factor of the weights.
    """

    learning_rate: float
    weight_decay: float = 0.0

    def update(
        self, gradient: Weights, weights: Weights, variables: OptimizerVariables
    ) -> tuple[Weights, OptimizerVariables]:
        """Returns new weights; see `UpdateRule`."""
        if self.weight_decay:
            gradient = tree.add_scaled(gradient, self.weight_decay, weights)
        return tree.add_scaled(weights, -self.learning_rate, gradient), variables


class KerasRule:
    """The step of an optimizer of Keras.

    Learning rate and weight decay are among its variables, so that members which differ in them share a compiled step.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, weights: list[keras.Variable], decays: bool) -> None:
        """Builds the optimizer's variables.

        Args:
            optimizer: The optimizer; it is left as it is.
            weights: Trainable variables of the model.
            decays: Whether members have a weight decay each, in place of the optimizer's.

        Raises:
            InputError: If the optimizer is no function of gradient, weights and its variables alone.
        """
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        require(
            not (scaled or optimizer.gradient_accumulation_steps or optimizer.use_ema),
            "`optimizer` must be without loss scaling, gradient accumulation and moving averages of the weights",
            optimizer=optimizer.name,
        )
        own = type(optimizer).from_config(optimizer.get_config())
        own.build(weights)
        self._optimizer, self._decays = pure_optimizer(own), decays

    def start(self, learning_rate: float | None = None, weight_decay: float | None = None) -> OptimizerVariables:
        """Returns the variables before the first step, NumPy arrays.

        Args:
            learning_rate: The member's learning rate; None: the optimizer's.
            weight_decay: The member's weight decay; None: none.
        """
        rate = self._optimizer.learning_rate
        start = [
            np.asarray(learning_rate, variable.dtype)
            if variable is rate and learning_rate is not None
            else ops.convert_to_numpy(variable.value)
            for variable in self._optimizer.variables
        ]
        return [*start, np.asarray(weight_decay or 0.0, keras.config.floatx())] if self._decays else start

    def update(
        self, gradient: Weights, weights: Weights, variables: OptimizerVariables
    ) -> tuple[Weights, OptimizerVariables]:
        """Returns new weights and variables; see `UpdateRule`."""
        count = len(self._optimizer.variables)
        if self._decays:
            self._optimizer.weight_decay = variables[count]
        weights, kept = self._optimizer.stateless_apply(variables[:count], gradient, weights)
        return weights, [*kept, *variables[count:]]
