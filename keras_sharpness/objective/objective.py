"""The loss of a batch as a pure function of the weights."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.errors import InputError, reason, require
from keras_sharpness.objective.graph import Field, Graph
from keras_sharpness.objective.inputs import count, to_arrays
from keras_sharpness.objective.losses import BatchLoss, LossLike
from keras_sharpness.typing import Array, Data, State, Weights

# Layers that work on each node by itself; a layer that passes messages says how far in its attribute `hops`.
NODE_BY_NODE = (
    *(keras.layers.InputLayer, keras.layers.Dense, keras.layers.Dropout, keras.layers.Activation),
    *(keras.layers.ReLU, keras.layers.ELU, keras.layers.LeakyReLU),
)
# More than one, since an axis of length one fits any other.
MOST_OUTLINED = 13


class Objective:
    """L_S(w): the mean loss of a model over a batch S of examples.

    Built from `stateless_call`, so that neither evaluating nor differentiating it touches the model. The data are an
    argument of every call, not a constant of the compiled function.

    Attributes:
        model: The built Keras model.
        batch_loss: The loss of a batch of outputs.
        data: Inputs and targets of all examples, as tensors.
        num_examples: How many examples there are; on a graph, nodes.
        graph: The graph whose nodes the examples are, or None.
    """

    def __init__(
        self, model: keras.Model, loss: LossLike | BatchLoss, x: Any, y: Any = None, normalize_logits: bool = False
    ) -> None:
        """Checks and converts the data.

        Args:
            model: Built Keras model.
            loss: Keras loss, its name, a function of `(y_true, y_pred)`, or one of these for each output; None takes
                the loss of `model.compile`.
            x: Inputs: an array or structure of arrays with the examples along the first axis, a `Graph`, or batches of
                (inputs, targets); see `examples.to_arrays`.
            y: Targets, first axis as the examples.
            normalize_logits: Whether logits are normalized before the loss is taken; see `BatchLoss`.

        Raises:
            InputError: If the model is not built, no loss is known, or inputs and targets do not fit.
        """
        require(isinstance(model, keras.Model), "`model` must be a Keras model", model=type(model).__name__)
        require(model.built, "`model` must be built: call it on a batch, or give it an Input", model=model.name)
        self.model = model
        self.batch_loss = loss if isinstance(loss, BatchLoss) else BatchLoss(model, loss, normalize_logits)
        x, y = to_arrays(x, y)
        self.graph = x if isinstance(x, Graph) else None
        self.num_examples = count(x, y)
        inputs = x.inputs if isinstance(x, Graph) else x
        self.data: Data = keras.tree.map_structure(_to_tensor, (inputs, y))

    def check(self, examples: np.ndarray) -> None:
        """Checks that data, model and loss fit, before anything is computed.

        Args:
            examples: Indices of the examples that the loss will be taken of; targets of others do not matter.

        Raises:
            InputError: If a number is not finite, the model does not take the inputs, or the loss not the targets.
        """
        inputs, targets = self.data
        targets = _take(targets, ops.convert_to_tensor(np.unique(examples)))
        _require_finite("x", inputs)
        _require_finite("y", targets)
        at = (*values(self.model), self.data, ops.convert_to_tensor(np.ravel(examples)[:MOST_OUTLINED]))
        outputs, *_ = _outline("`x` must be inputs that the model takes", partial(self._forward, training=False), *at)
        self.batch_loss.check_labels(targets, outputs)
        _outline("`y` must be targets that the loss takes", partial(self.loss_and_error, training=False), *at)

    def loss_and_state(
        self, weights: Weights, state: State, data: Data, indices: Array, training: bool
    ) -> tuple[Array, State]:
        """Returns the batch's mean loss, a scalar, and the state after the forward pass.

        Args:
            weights: Trainable weights.
            state: Non-trainable variables.
            data: The objective's `data`.
            indices: Integers of shape (m,), the batch. Repeated examples count repeatedly.
            training: Whether layers run in training mode.
        """
        outputs, targets, state = self._forward(weights, state, data, indices, training)
        return self.batch_loss.mean(targets, outputs), state

    def loss(self, weights: Weights, state: State, data: Data, indices: Array, training: bool = False) -> Array:
        """Returns the batch's mean loss alone; the arguments are those of `loss_and_state`."""
        return self.loss_and_state(weights, state, data, indices, training)[0]

    def error(self, weights: Weights, state: State, data: Data, indices: Array) -> Array:
        """Returns the share of the batch whose prediction is wrong, in inference mode."""
        outputs, targets, _ = self._forward(weights, state, data, indices, training=False)
        return self.batch_loss.error(targets, outputs)

    def loss_and_error(
        self, weights: Weights, state: State, data: Data, indices: Array, training: bool
    ) -> tuple[Array, Array]:
        """Returns the batch's mean loss and error rate (NaN where it means nothing), from one forward pass."""
        outputs, targets, _ = self._forward(weights, state, data, indices, training)
        return self.batch_loss.mean_and_error(targets, outputs)

    def on_field(self, nodes: np.ndarray) -> tuple["Objective", Field]:
        """Returns the objective on the receptive field of some nodes, and the field; `hops` must be known.

        Args:
            nodes: Integers of shape (n,), without repeats.

        Raises:
            ValueError: If they are not known.
        """
        if self.graph is None or self.hops is None:
            raise ValueError("`on_field` must be asked of a graph network whose hops are known.")
        field = self.graph.field(nodes, self.hops)
        targets = ops.take(self.data[1], ops.convert_to_tensor(field.nodes), axis=0)
        return Objective(self.model, self.batch_loss, field.graph, targets), field

    @property
    def hops(self) -> int | None:
        """Rounds of messages of a network on a graph; None unless each step is known to pass them or stay in a node.

        Only functional models list all their steps, layers and bare operations alike.
        """
        steps = getattr(self.model, "operations", [None])
        mixing = [step for step in steps if not isinstance(step, NODE_BY_NODE)]
        return sum(step.hops for step in mixing) if all(hasattr(step, "hops") for step in mixing) else None

    def _forward(self, weights: Weights, state: State, data: Data, indices: Array, training: bool) -> tuple:
        inputs, targets = data
        if self.graph is None:
            inputs = _take(inputs, indices)
        outputs, state = self._call(weights, state, inputs, training)
        if self.graph is not None:
            outputs = _take(outputs, indices)
        return outputs, _take(targets, indices), state

    def _call(self, weights: Weights, state: State, inputs: Any, training: bool) -> tuple[Any, State]:
        """Returns outputs and new state. As `stateless_call`, but by way of `__call__`.

        That hands `training` on to layers whose model does not, and lets a model's `call` do without it.
        """
        variables = self.model.non_trainable_variables
        mapping = [*zip(self.model.trainable_variables, weights, strict=True), *zip(variables, state, strict=True)]
        options = {"training": training} if self.model._call_has_training_arg else {}
        with keras.StatelessScope(state_mapping=mapping) as scope:
            outputs = self.model(inputs, **options)
        new = [scope.get_current_value(variable) for variable in variables]
        return outputs, [old if value is None else value for old, value in zip(state, new, strict=True)]


def values(model: keras.Model) -> tuple[Weights, State]:
    """Returns a model's trainable weights and its non-trainable variables."""
    return [v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables]


def _require_finite(name: str, structure: Any) -> None:
    for array in keras.tree.flatten(structure):
        is_float = "float" in keras.backend.standardize_dtype(array.dtype)
        require(not is_float or bool(ops.all(ops.isfinite(array))), f"`{name}` must hold finite numbers alone")


def _outline(what: str, fn: Callable, *args: Any) -> Any:
    try:
        return backend.outline(fn, *args)
    except InputError:
        raise
    except Exception as error:  # Whatever the user's own layers and losses raise.
        raise InputError(f"{what}. Received: {reason(error)}") from error


def _take(structure: Any, indices: Array) -> Any:
    return keras.tree.map_structure(lambda a: ops.take(a, indices, axis=0), structure)


def _to_tensor(array: Any) -> Array:
    dtype = getattr(array, "dtype", None)
    require(getattr(dtype, "kind", "f") not in "OcmM", "`x` and `y` must hold real numbers", dtype=str(dtype))
    # Doubles would only be refused later on, or slow the network down.
    with np.errstate(over="ignore"):  # What is too large becomes infinite, and is refused as that.
        array = np.asarray(array, keras.config.floatx()) if dtype == np.float64 else array
    return ops.convert_to_tensor(array)
