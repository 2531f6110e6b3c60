"""The loss of a batch as a pure function of the weights."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.backend.internals import added_losses, call_takes_training, flatten_layers
from keras_sharpness.errors import InputError, reason, require
from keras_sharpness.objective.labelled_data import LabelledData, take
from keras_sharpness.objective.losses import BatchLoss, LossLike
from keras_sharpness.objective.measurable import fixed_batch_size
from keras_sharpness.objective.own_loss import OwnLoss, find_batch_loss
from keras_sharpness.typing import Array, Data, State, Weights

# More than one, since an axis of length one fits any other.
MOST_OUTLINED = 13
# Types of weights that are perturbed in float32.
SHORT = ("float16", "bfloat16")


class Objective:
    """L_S(w): what `model.evaluate` says of a model on a batch S of examples, without its regularization.

    That is the compiled loss with masks and sample weights, or what the model's own `compute_loss` returns, and what
    layers add by `add_loss`. Penalties of weights and activities count only if asked for. Built on a stateless call,
    so that neither evaluating nor differentiating it touches the model. It holds no data: they are an argument of every
    call, not a constant of a compiled function.

    Attributes:
        model: The built Keras model.
        batch_loss: The loss of a batch of outputs.
        on_graph: Whether the examples are the nodes of a graph, on which the model runs as a whole.
        regularization: Whether regularizers count.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: LossLike = None,
        normalize_logits: bool = False,
        on_graph: bool = False,
        regularization: bool = False,
    ) -> None:
        """Checks the model and finds the loss.

        Args:
            model: Built Keras model.
            loss: Keras loss, its name, a function of `(y_true, y_pred)`, or one of these for each output; None takes
                the loss that the model has of itself.
            normalize_logits: Whether logits are normalized before the loss is taken; see `BatchLoss`.
            on_graph: Whether the examples are the nodes of a graph.
            regularization: Whether penalties of weights and activities are part of the loss.

        Raises:
            InputError: If the model is not built, no loss is known, or the model evaluates itself in its own way.
        """
        require(isinstance(model, keras.Model), "`model` must be a Keras model", model=type(model).__name__)
        require(model.built, "`model` must be built: call it on a batch, or give it an Input", model=model.name)
        self.model, self.on_graph, self.regularization = model, on_graph, regularization
        self.batch_loss = find_batch_loss(model, loss, normalize_logits, regularization)
        wrapper = keras.layers.TorchModuleWrapper
        self._holds_modules = any(isinstance(layer, wrapper) for layer in flatten_layers(model))

    def check(self, data: LabelledData, examples: np.ndarray, known: Any = None) -> Any:
        """Checks that data, model and loss fit, before anything is computed.

        Args:
            data: The data.
            examples: Indices of the examples that the loss will be taken of; targets of others do not matter.
            known: What this returned for data that differ in their numbers only.

        Returns:
            Shapes and dtypes of the model's outputs for a few examples, in their structure.

        Raises:
            InputError: If a number is not finite, the model does not take the inputs, or the loss not the targets.
        """
        data.require_finite(examples)
        outputs = known
        if known is None:
            outputs, *_ = self._outline("`x` must be inputs that the model takes", self.outputs, data, examples)
        self.batch_loss.check_labels(take(data.tensors[1], ops.convert_to_tensor(np.unique(examples))), outputs)
        if known is None:
            self._outline("`y` must be targets that the loss takes", self.loss_and_error, data, examples)
        return keras.tree.map_structure(_shape, outputs)

    def takes(self, data: LabelledData, size: int) -> bool:
        """Returns whether the model takes a number of examples at once, and returns an output for each."""
        at = (*values(self.model), data.tensors, ops.zeros(size, "int32"))
        try:
            outputs, *_ = _outline("", partial(self.outputs, training=False), *at)
        except InputError:
            return False
        return all(output.shape[0] == size for output in keras.tree.flatten(outputs))

    def outputs(self, weights: Weights, state: State, data: Data, indices: Array, training: bool) -> tuple[Any, ...]:
        """Returns the model's outputs for a batch, its targets, and the state after the forward pass.

        Args:
            weights: Trainable weights.
            state: Non-trainable variables.
            data: Inputs and targets of all examples; see `LabelledData.tensors`.
            indices: Integers of shape (m,), the batch. Repeated examples count repeatedly.
            training: Whether layers run in training mode.
        """
        return self._run(weights, state, data, indices, training, lambda inputs, targets, outputs: (outputs, targets))

    def loss_and_state(
        self, weights: Weights, state: State, data: Data, indices: Array, training: bool
    ) -> tuple[Array, State]:
        """Returns the batch's loss, a scalar, and the state after the forward pass; arguments as of `outputs`."""

        def read(inputs: Any, targets: Any, outputs: Any) -> tuple[Array]:
            return (self._loss(inputs, targets, outputs, training),)

        return self._run(weights, state, data, indices, training, read)

    def loss(self, weights: Weights, state: State, data: Data, indices: Array, training: bool = False) -> Array:
        """Returns the batch's loss; arguments as of `outputs`."""
        return self.loss_and_state(weights, state, data, indices, training)[0]

    def error(self, weights: Weights, state: State, data: Data, indices: Array) -> Array:
        """Returns the share of the batch whose prediction is wrong, in inference mode; arguments as of `outputs`."""
        outputs, targets, _ = self.outputs(weights, state, data, indices, training=False)
        return self.batch_loss.error(targets, outputs)

    def loss_and_error(
        self, weights: Weights, state: State, data: Data, indices: Array, training: bool
    ) -> tuple[Array, Array]:
        """Returns the batch's loss and error rate (NaN where it means nothing), from one forward pass."""

        def read(inputs: Any, targets: Any, outputs: Any) -> tuple[Array, Array]:
            loss = self._loss(inputs, targets, outputs, training)
            return loss, self.batch_loss.error_or_nan(targets, outputs)

        return self._run(weights, state, data, indices, training, read)[:2]

    def weighted(
        self, weights: Weights, state: State, data: Data, indices: Array, training: bool, sums: bool
    ) -> tuple[Array, Array, Array, Array]:
        """Returns the batch's loss and error rate, and what each of them divides by.

        Args:
            weights: Trainable weights.
            state: Non-trainable variables.
            data: Inputs and targets of all examples.
            indices: The batch.
            training: Whether layers run in training mode.
            sums: Whether the loss is a sum over examples, which divides by nothing.
        """

        def read(inputs: Any, targets: Any, outputs: Any) -> tuple[Array, ...]:
            loss, of = self._loss(inputs, targets, outputs, training), (targets, outputs)
            mass = ops.ones_like(loss) if sums else self.batch_loss.mass(*of)
            return loss, self.batch_loss.error_or_nan(*of), mass, self.batch_loss.count(*of)

        return self._run(weights, state, data, indices, training, read)[:4]

    def mass(self, weights: Weights, state: State, data: Data, indices: Array, training: bool = False) -> Array:
        """Returns what the batch's loss divides by; see `BatchLoss.mass`. Arguments as of `outputs`."""
        outputs, targets, _ = self.outputs(weights, state, data, indices, training)
        return self.batch_loss.mass(targets, outputs)

    @property
    def takes_outputs(self) -> bool:
        """Whether the loss is known as a function of the outputs."""
        return isinstance(self.batch_loss, BatchLoss)

    def _run(
        self, weights: Weights, state: State, data: Data, indices: Array, training: bool, read: Callable[..., Any]
    ) -> tuple[Any, ...]:
        """Returns what is read of (inputs, targets, outputs) of a batch, a tuple, and the state after the pass.

        As `stateless_call`, but by way of `__call__`, which hands `training` on to layers whose model does not, and
        lets a model's `call` do without it. What is read may look at the model, whose variables have the values given.
        """
        inputs, targets = data[0], take(data[1], indices)
        inputs = inputs if self.on_graph else take(inputs, indices)
        variables = self.model.non_trainable_variables
        trainable = self.model.trainable_variables
        rounded = [ops.cast(w, v.dtype) if v.dtype in SHORT else w for w, v in zip(weights, trainable, strict=True)]
        mapping = [*zip(trainable, rounded, strict=True), *zip(variables, state, strict=True)]
        options = {"training": training} if call_takes_training(self.model) else {}
        layers = flatten_layers(self.model) if self._holds_modules else []
        others = backend.in_scope(layers, {id(variable): value for variable, value in mapping})
        with others, keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
            outputs = self.model(inputs, **options)
            found = read(inputs, targets, take(outputs, indices) if self.on_graph else outputs)
        new = [scope.get_current_value(variable) for variable in variables]
        return *found, [old if value is None else value for old, value in zip(state, new, strict=True)]

    def _outline(self, what: str, fn: Callable[..., Any], data: LabelledData, examples: np.ndarray) -> Any:
        fixed = None if self.on_graph else fixed_batch_size(self.model)
        few = ops.convert_to_tensor(np.resize(examples, fixed or min(np.size(examples), MOST_OUTLINED)))
        return _outline(what, partial(fn, training=False), *values(self.model), data.tensors, few)

    def _loss(self, inputs: Any, targets: Any, outputs: Any, training: bool) -> Array:
        """Returns the loss inside the scope of a pass."""
        if isinstance(self.batch_loss, OwnLoss):
            return self.batch_loss.compute(inputs, targets, outputs, training)
        added = self.model.losses if self.regularization else added_losses(self.model)
        loss = self.batch_loss.mean(targets, outputs)
        return loss + sum(ops.cast(ops.sum(part), loss.dtype) for part in added) if added else loss


def values(model: keras.Model) -> tuple[Weights, State]:
    """Returns a model's trainable weights and its non-trainable variables.

    Weights of 16 bits come in float32: in their own type, balls and perturbations would be mostly rounding.
    """
    weights = [ops.cast(v.value, "float32") if v.dtype in SHORT else v.value for v in model.trainable_variables]
    return weights, [v.value for v in model.non_trainable_variables]


def perturbation_dtype(variable: keras.Variable) -> str:
    """Returns the type in which a weight is perturbed."""
    return "float32" if variable.dtype in SHORT else str(variable.dtype)


def _shape(array: Any) -> keras.KerasTensor:
    return keras.KerasTensor(tuple(array.shape), keras.backend.standardize_dtype(array.dtype))


def _outline(what: str, fn: Callable[..., Any], *args: Any) -> Any:
    try:
        return backend.outline(fn, *args)
    except InputError:
        raise
    except Exception as error:  # Whatever the user's own layers and losses raise.
        raise InputError(f"{what}. Received: {reason(error)}") from error
