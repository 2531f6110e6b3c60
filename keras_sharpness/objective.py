"""The loss of a batch as a pure function of the weights."""

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops

from keras_sharpness.errors import InputError, require
from keras_sharpness.graph import Field, Graph
from keras_sharpness.typing import Array, Data, State, Weights

# Layers that work on each node by itself; a layer that passes messages says how far in its attribute `hops`.
NODE_BY_NODE = (
    *(keras.layers.InputLayer, keras.layers.Dense, keras.layers.Dropout, keras.layers.Activation),
    *(keras.layers.ReLU, keras.layers.ELU, keras.layers.LeakyReLU),
)

LossLike: TypeAlias = str | keras.losses.Loss | Callable | None


class Objective:
    """L_S(w): the mean loss of a model over a batch S of examples.

    Built from `stateless_call`, so that neither evaluating nor differentiating it touches the model. The data are an
    argument of every call, not a constant of the compiled function.

    Attributes:
        model: The built Keras model.
        data: Inputs and targets of all examples, as tensors.
        num_examples: How many examples there are; on a graph, nodes.
        graph: The graph whose nodes the examples are, or None.
    """

    def __init__(self, model: keras.Model, loss: LossLike, x: Any, y: Any) -> None:
        """Checks and converts the data.

        Args:
            model: Built Keras model with one output.
            loss: Keras loss, its name or a function of `(y_true, y_pred)`; None takes the loss of `model.compile`.
            x: Inputs: an array or structure of arrays with the examples along the first axis, or a `Graph`.
            y: Targets, first axis as the examples.

        Raises:
            InputError: If the model is not built, no loss is known, or inputs and targets differ in number.
        """
        require(model.built, "`model` must be built: call it on a batch, or give it an Input", model=model.name)
        self.model = model
        self._loss = _resolve_loss(model, loss)
        self.graph = x if isinstance(x, Graph) else None
        self.num_examples = _count_examples(x, y)
        inputs = x.inputs if isinstance(x, Graph) else x
        self.data: Data = (keras.tree.map_structure(ops.convert_to_tensor, inputs), ops.convert_to_tensor(y))

    @property
    def loss_name(self) -> str:
        """Name of the loss."""
        return str(getattr(self._loss, "name", getattr(self._loss, "__name__", type(self._loss).__name__)))

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
        return self.mean_loss(targets, outputs), state

    def loss(self, weights: Weights, state: State, data: Data, indices: Array, training: bool = False) -> Array:
        """Returns the batch's mean loss alone; the arguments are those of `loss_and_state`."""
        return self.loss_and_state(weights, state, data, indices, training)[0]

    def mean_loss(self, targets: Array, outputs: Array) -> Array:
        """Returns the mean loss of the model's outputs on a batch, a scalar."""
        return ops.mean(self._loss(targets, outputs))

    def error(self, weights: Weights, state: State, data: Data, indices: Array) -> Array:
        """Returns the share of the batch whose largest output is not the label, in inference mode."""
        outputs, targets, _ = self._forward(weights, state, data, indices, training=False)
        wrong = ops.not_equal(ops.argmax(outputs, axis=-1), targets)
        return ops.mean(ops.cast(wrong, outputs.dtype))

    def on_field(self, nodes: np.ndarray) -> tuple["Objective", Field]:
        """Returns the objective on the receptive field of some nodes, and the field; `hops` must be known.

        Args:
            nodes: Integers of shape (n,), without repeats.
        """
        field = self.graph.field(nodes, self.hops)
        targets = ops.take(self.data[1], ops.convert_to_tensor(field.nodes), axis=0)
        return Objective(self.model, self._loss, field.graph, targets), field

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
            inputs = keras.tree.map_structure(lambda a: ops.take(a, indices, axis=0), inputs)
        outputs, state = self.model.stateless_call(weights, state, inputs, training=training)
        if self.graph is not None:
            outputs = ops.take(outputs, indices, axis=0)
        return outputs, ops.take(targets, indices, axis=0), state


def _resolve_loss(model: keras.Model, loss: LossLike) -> Callable:
    if loss is None:
        loss = getattr(model, "loss", None)
        require(loss is not None, "`loss` must be given when the model is not compiled with one", model=model.name)
    try:
        return keras.losses.get(loss)
    except ValueError:
        raise InputError(
            f"`loss` must be a Keras loss, its name or a function of (y_true, y_pred). Received: loss={loss!r}"
        ) from None


def _count_examples(x: Any, y: Any) -> int:
    lengths = {x.num_nodes} if isinstance(x, Graph) else {len(a) for a in keras.tree.flatten(x)}
    require(
        lengths == {len(y)},
        "`x` and `y` must hold equally many examples",
        x=sorted(lengths),
        y=np.shape(y),
    )
    return len(y)
