"""The loss of a batch as a pure function of the weights."""

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops
from keras.src.layers.convolutional.base_conv import BaseConv
from keras.src.layers.convolutional.base_depthwise_conv import BaseDepthwiseConv

from keras_sharpness.errors import InputError, require
from keras_sharpness.graph import Graph
from keras_sharpness.typing import Array, Data, State, Weights

# Copies of a larger network no longer fit the caches together.
MOST_PARAMETERS = 100_000
# With weights that differ along the batch, these have no kernel of their own on a CPU.
SLOW_AT_ONCE = (BaseConv, BaseDepthwiseConv, keras.layers.RNN, keras.layers.Bidirectional)
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
        self._graph = x if isinstance(x, Graph) else None
        self.num_examples = _count_examples(x, y)
        inputs = x.inputs if isinstance(x, Graph) else x
        self.data: Data = (keras.tree.map_structure(ops.convert_to_tensor, inputs), ops.convert_to_tensor(y))

    @property
    def loss_name(self) -> str:
        """Name of the loss."""
        return str(getattr(self._loss, "name", getattr(self._loss, "__name__", type(self._loss).__name__)))

    @property
    def vectorizable(self) -> bool:
        """Whether many copies of the weights run faster at once: small networks without convolutions."""
        layers = self.model._flatten_layers(include_self=False, recursive=True)
        return self.model.count_params() <= MOST_PARAMETERS and not any(isinstance(n, SLOW_AT_ONCE) for n in layers)

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
        return ops.mean(self._loss(targets, outputs)), state

    def loss(self, weights: Weights, state: State, data: Data, indices: Array, training: bool = False) -> Array:
        """Returns the batch's mean loss alone; the arguments are those of `loss_and_state`."""
        return self.loss_and_state(weights, state, data, indices, training)[0]

    def error(self, weights: Weights, state: State, data: Data, indices: Array) -> Array:
        """Returns the share of the batch whose largest output is not the label, in inference mode."""
        outputs, targets, _ = self._forward(weights, state, data, indices, training=False)
        wrong = ops.not_equal(ops.argmax(outputs, axis=-1), targets)
        return ops.mean(ops.cast(wrong, outputs.dtype))

    def prepare(self, batches: np.ndarray, training: bool = False) -> Any:
        """Returns batches as tensors; on a graph, with the edges that their nodes' outputs depend on in inference mode.

        Args:
            batches: Indices, shape (num_batches, m).
            training: Whether layers will run in training mode, where a node may depend on more than its neighbours.

        Returns:
            Integers (num_batches, m), or a structure of them and edges (num_batches, 2, num_edges), for `loss`.
        """
        hops = self.hops
        if self._graph is None or hops is None or training:
            return ops.convert_to_tensor(batches)
        edges = self._graph.receptive_edges(batches, hops)
        return {"indices": ops.convert_to_tensor(batches), "edges": ops.convert_to_tensor(edges)}

    @property
    def hops(self) -> int | None:
        """Rounds of messages of a network on a graph; None unless each step is known to pass them or stay in a node.

        Only functional models list all their steps, layers and bare operations alike.
        """
        steps = getattr(self.model, "operations", [None])
        mixing = [step for step in steps if not isinstance(step, NODE_BY_NODE)]
        return sum(step.hops for step in mixing) if all(hasattr(step, "hops") for step in mixing) else None

    def _forward(self, weights: Weights, state: State, data: Data, batch: Any, training: bool) -> tuple:
        inputs, targets = data
        indices = batch
        if isinstance(batch, dict):
            indices, inputs = batch["indices"], inputs | {"edges": batch["edges"]}
        if self._graph is None:
            inputs = keras.tree.map_structure(lambda a: ops.take(a, indices, axis=0), inputs)
        outputs, state = self.model.stateless_call(weights, state, inputs, training=training)
        if self._graph is not None:
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
