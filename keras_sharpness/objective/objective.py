"""The loss of a batch as a pure function of the weights."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.backend.internals import call_takes_training
from keras_sharpness.errors import InputError, reason, require
from keras_sharpness.objective.labelled_data import LabelledData, take
from keras_sharpness.objective.losses import BatchLoss, LossLike
from keras_sharpness.typing import Array, Data, State, Weights

# More than one, since an axis of length one fits any other.
MOST_OUTLINED = 13


class Objective:
    """L_S(w): the mean loss of a model over a batch S of examples.

    Built on a stateless call, so that neither evaluating nor differentiating it touches the model. It holds no data:
    they are an argument of every call, not a constant of a compiled function.

    Attributes:
        model: The built Keras model.
        batch_loss: The loss of a batch of outputs.
        on_graph: Whether the examples are the nodes of a graph, on which the model runs as a whole.
    """

    def __init__(
        self, model: keras.Model, loss: LossLike = None, normalize_logits: bool = False, on_graph: bool = False
    ) -> None:
        """Checks the model and finds the loss.

        Args:
            model: Built Keras model.
            loss: Keras loss, its name, a function of `(y_true, y_pred)`, or one of these for each output; None takes
                the loss of `model.compile`.
            normalize_logits: Whether logits are normalized before the loss is taken; see `BatchLoss`.
            on_graph: Whether the examples are the nodes of a graph.

        Raises:
            InputError: If the model is not built or no loss is known.
        """
        require(isinstance(model, keras.Model), "`model` must be a Keras model", model=type(model).__name__)
        require(model.built, "`model` must be built: call it on a batch, or give it an Input", model=model.name)
        self.model, self.on_graph = model, on_graph
        self.batch_loss = BatchLoss(model, loss, normalize_logits)

    def check(self, data: LabelledData, examples: np.ndarray) -> None:
        """Checks that data, model and loss fit, before anything is computed.

        Args:
            data: The data.
            examples: Indices of the examples that the loss will be taken of; targets of others do not matter.

        Raises:
            InputError: If a number is not finite, the model does not take the inputs, or the loss not the targets.
        """
        data.require_finite(examples)
        at = (*values(self.model), data.tensors, ops.convert_to_tensor(np.ravel(examples)[:MOST_OUTLINED]))
        outputs, *_ = _outline("`x` must be inputs that the model takes", partial(self.outputs, training=False), *at)
        self.batch_loss.check_labels(take(data.tensors[1], ops.convert_to_tensor(np.unique(examples))), outputs)
        _outline("`y` must be targets that the loss takes", partial(self.loss_and_error, training=False), *at)

    def outputs(self, weights: Weights, state: State, data: Data, indices: Array, training: bool) -> tuple[Any, ...]:
        """Returns the model's outputs for a batch, its targets, and the state after the forward pass.

        Args:
            weights: Trainable weights.
            state: Non-trainable variables.
            data: Inputs and targets of all examples; see `LabelledData.tensors`.
            indices: Integers of shape (m,), the batch. Repeated examples count repeatedly.
            training: Whether layers run in training mode.
        """
        inputs, targets = data
        if not self.on_graph:
            inputs = take(inputs, indices)
        outputs, state = self._call(weights, state, inputs, training)
        if self.on_graph:
            outputs = take(outputs, indices)
        return outputs, take(targets, indices), state

    def loss_and_state(
        self, weights: Weights, state: State, data: Data, indices: Array, training: bool
    ) -> tuple[Array, State]:
        """Returns the batch's mean loss, a scalar, and the state after the forward pass; arguments as of `outputs`."""
        outputs, targets, state = self.outputs(weights, state, data, indices, training)
        return self.batch_loss.mean(targets, outputs), state

    def loss(self, weights: Weights, state: State, data: Data, indices: Array, training: bool = False) -> Array:
        """Returns the batch's mean loss; arguments as of `outputs`."""
        return self.loss_and_state(weights, state, data, indices, training)[0]

    def error(self, weights: Weights, state: State, data: Data, indices: Array) -> Array:
        """Returns the share of the batch whose prediction is wrong, in inference mode; arguments as of `outputs`."""
        outputs, targets, _ = self.outputs(weights, state, data, indices, training=False)
        return self.batch_loss.error(targets, outputs)

    def loss_and_error(
        self, weights: Weights, state: State, data: Data, indices: Array, training: bool
    ) -> tuple[Array, Array]:
        """Returns the batch's mean loss and error rate (NaN where it means nothing), from one forward pass."""
        outputs, targets, _ = self.outputs(weights, state, data, indices, training)
        return self.batch_loss.mean_and_error(targets, outputs)

    def _call(self, weights: Weights, state: State, inputs: Any, training: bool) -> tuple[Any, State]:
        """Returns outputs and new state.

        As `stateless_call`, but by way of `__call__`, which hands `training` on to layers whose model does not, and
        lets a model's `call` do without it.
        """
        variables = self.model.non_trainable_variables
        mapping = [*zip(self.model.trainable_variables, weights, strict=True), *zip(variables, state, strict=True)]
        options = {"training": training} if call_takes_training(self.model) else {}
        with keras.StatelessScope(state_mapping=mapping) as scope:
            outputs = self.model(inputs, **options)
        new = [scope.get_current_value(variable) for variable in variables]
        return outputs, [old if value is None else value for old, value in zip(state, new, strict=True)]


def values(model: keras.Model) -> tuple[Weights, State]:
    """Returns a model's trainable weights and its non-trainable variables."""
    return [v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables]


def _outline(what: str, fn: Callable[..., Any], *args: Any) -> Any:
    try:
        return backend.outline(fn, *args)
    except InputError:
        raise
    except Exception as error:  # Whatever the user's own layers and losses raise.
        raise InputError(f"{what}. Received: {reason(error)}") from error
