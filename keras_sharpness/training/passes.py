"""Passes of a batch through a model in training: loss and gradient at any weights, without touching the model."""

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_sharpness import backend
from keras_sharpness.backend.internals import call_takes_training
from keras_sharpness.typing import Array, State, Weights


class Batch(NamedTuple):
    """A batch as `train_step` gets it.

    Attributes:
        x: Inputs.
        y: Targets.
        sample_weight: Weights of the examples, or None.
    """

    x: Any
    y: Any
    sample_weight: Any

    @classmethod
    def of(cls, data: Any) -> "Batch":
        """Returns the batch that a trainer's data stand for."""
        return cls(*keras.utils.unpack_x_y_sample_weight(data))


class Pass(NamedTuple):
    """What a pass finds.

    Attributes:
        loss: Loss, a scalar, as `compute_loss` returns it.
        outputs: Outputs of the model.
        state: Values of what is held, as the pass leaves them.
        gradient: Gradient of the loss times the optimizer's factor; None for weights that it does not depend on, where
            the backend can tell.
    """

    loss: Array
    outputs: Any
    state: State
    gradient: list[Array | None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Passes:
    """Passes from one state; each draws the same noise, and none changes the model.

    Attributes:
        model: The compiled model.
        variables: `held(model)`.
        state: Their values before the step.
        factor: What the optimizer multiplies losses by, so that gradients of 16 bits do not vanish; 1.0 without.
        again: A context in which the backend's global generator draws what it draws after this is made.
    """

    model: keras.Model
    variables: list[keras.Variable]
    state: State
    factor: float | Array
    again: Callable[[], AbstractContextManager[None]] = dataclasses.field(default_factory=backend.replay)

    def first(self, weights: Weights, batch: Batch) -> Pass:
        """Returns the pass whose noise, state, loss and outputs count.

        Args:
            weights: Trainable weights.
            batch: The batch.
        """
        (_, (loss, outputs, state)), gradient = backend.training_gradient(self._loss_of(batch))(weights)
        return Pass(loss, outputs, state, gradient)

    def next(self, weights: Weights, batch: Batch, mix: tuple[Array, Array] = (1.0, 0.0)) -> Pass:
        """Returns a pass with the noise of the first.

        Args:
            weights: Trainable weights.
            batch: The batch.
            mix: The gradient is that of mix[0] times the loss plus mix[1] times its penalties.
        """
        with self.again():
            (_, (loss, outputs, state)), gradient = backend.training_gradient(self._loss_of(batch, mix))(weights)
        return Pass(loss, outputs, state, gradient)

    def unscaled(self, loss: Array, gradient: Weights, shared: bool) -> tuple[Array, Weights]:
        """Returns loss and gradient of a batch without the factors of optimizer and `tf.distribute`.

        Args:
            loss: A loss, as `Pass` has it.
            gradient: A gradient, as `Pass` has it.
            shared: Whether replicas share the batch; otherwise it is that of this replica.
        """
        replicas = backend.num_replicas()
        if not (isinstance(self.factor, float) and self.factor == 1):
            gradient = [g / ops.cast(self.factor, g.dtype) for g in gradient]
        if replicas > 1:
            loss, *gradient = _over(replicas, [loss, *gradient], shared)
        return loss, gradient

    def _loss_of(
        self, batch: Batch, mix: tuple[Array, Array] = (1.0, 0.0)
    ) -> Callable[[Weights], tuple[Array, tuple[Array, Any, State]]]:
        model, variables = self.model, self.variables
        options = {"training": True} if call_takes_training(model) else {}

        def loss_of(weights: Weights) -> tuple[Array, tuple[Array, Any, State]]:
            mapping = [*zip(model.trainable_variables, weights, strict=True), *zip(variables, self.state, strict=True)]
            with keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
                outputs = model(batch.x, **options)
                loss = model.compute_loss(batch.x, batch.y, outputs, batch.sample_weight, training=True)
                penalty = sum((ops.cast(ops.sum(part), loss.dtype) for part in model.losses), ops.zeros_like(loss))
            state = [scope.get_current_value(variable) for variable in variables]
            # As Keras scales what `compute_loss` returns.
            whole = mix[0] * loss + mix[1] * penalty / backend.num_replicas()
            return whole * ops.cast(self.factor, loss.dtype), (loss, outputs, state)

        return loss_of


def _over(replicas: int, arrays: list[Array], shared: bool) -> list[Array]:
    return backend.sum_over_replicas(arrays) if shared else [array * replicas for array in arrays]


def held(model: keras.Model) -> list[keras.Variable]:
    """Returns the variables that a pass may change: statistics, seeds, and sums of metrics."""
    return [*model.non_trainable_variables, *model.metrics_variables]
