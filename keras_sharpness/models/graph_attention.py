"""The graph attention layer of Velickovic et al. (arXiv:1710.10903)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.models.dropout import Dropout
from keras_sharpness.typing import Array

# Share of entries that are not zero, below which a sparse product is faster than a dense one.
SPARSE = 0.1


@keras.saving.register_keras_serializable("keras_sharpness")
class GraphAttention(keras.layers.Layer):
    """Each node averages its neighbours' features, weighted by attention (equations 1 to 6 of the paper).

    For every head, with h = x W:

        score(i <- j) = leaky_relu(a_receiver . h_i + a_sender . h_j)
        alpha(i <- j) = softmax of the scores over the edges into i
        out_i = sum_j alpha(i <- j) h_j

    The heads are concatenated or averaged, and a bias is added.

    Args:
        channels: Output channels of each head.
        heads: Attention heads.
        concat: Whether heads are concatenated; otherwise averaged.
        dropout: Rate of dropout on the attention coefficients.
        negative_slope: Slope of the leaky ReLU.
        add_self_loops: Whether each node also attends to itself.
        copies: Layers that run at once, each with its own weights; all weights, hidden inputs and outputs then have a
            last axis of this size. None: one layer, no such axis.
        **kwargs: Keras layer arguments.

    Call arguments:
        features: Shape (num_nodes, num_features).
        edges: Integers of shape (2, num_edges): senders, then receivers.
        num_targets: How many nodes outputs are wanted of, the first ones; edges must end in these. None: all.

    Call returns:
        Shape (num_targets, heads * channels) if concatenated, else (num_targets, channels).
    """

    # How far a node's output reaches: its neighbours.
    hops = 1
    vectorizes = True

    def __init__(
        self,
        channels: int,
        heads: int = 1,
        concat: bool = True,
        dropout: float = 0.0,
        negative_slope: float = 0.2,
        add_self_loops: bool = True,
        copies: int | None = None,
        **kwargs: Any,
    ) -> None:
        """See the class."""
        super().__init__(**kwargs)
        self.copies = copies
        self.channels, self.heads, self.concat = channels, heads, concat
        self.negative_slope, self.add_self_loops = negative_slope, add_self_loops
        self.dropout = Dropout(dropout)
        self._product: Any = None

    def build(self, features_shape: tuple[Any, ...], edges_shape: tuple[Any, ...]) -> None:
        """Creates the weights: kernel, the two attention vectors of each head, bias."""
        width, copies = self.heads * self.channels, self._copies
        self.kernel = self.add_weight(
            shape=(features_shape[1], width, *copies), initializer="glorot_uniform", name="kernel"
        )
        for role in ("sender", "receiver"):
            attention = self.add_weight(
                shape=(self.heads, self.channels, *copies), initializer="glorot_uniform", name=f"{role}_attention"
            )
            setattr(self, f"{role}_attention", attention)
        self.bias = self.add_weight(
            shape=(width if self.concat else self.channels, *copies), initializer="zeros", name="bias"
        )
        self.built = True

    def call(self, features: Array, edges: Array, num_targets: int | None = None, training: bool = False) -> Array:
        """Returns the nodes' new features; see the class."""
        num_targets = ops.shape(features)[0] if num_targets is None else num_targets
        senders, receivers = edges[0], edges[1]
        hidden = self._project(features)
        targets = hidden[:num_targets]
        sent, received = ops.sum(hidden * self.sender_attention, 2), ops.sum(targets * self.receiver_attention, 2)
        scores = self._score(ops.take(sent, senders, axis=0) + ops.take(received, receivers, axis=0))
        own = self._score(sent[:num_targets] + received)
        # Softmax ignores a shift; the largest score keeps exp finite, and its gradient is zero.
        highest = ops.segment_max(scores, receivers, num_targets)
        highest = ops.stop_gradient(ops.maximum(highest, own) if self.add_self_loops else highest)
        weights = ops.exp(scores - ops.take(highest, receivers, axis=0))
        total = ops.segment_sum(weights, receivers, num_targets)
        messages = self._weigh(weights, ops.take(hidden, senders, axis=0), training)
        out = ops.segment_sum(messages, receivers, num_targets)
        if self.add_self_loops:
            # A node's edge to itself needs no look-up, which is most of an edge's cost.
            own = ops.exp(own - highest)
            total, out = total + own, out + self._weigh(own, targets, training)
        else:
            # A node without neighbours gets only the bias.
            total = ops.where(total > 0, total, 1)
        return self._combine(out / ops.expand_dims(total, 2)) + self.bias

    def compute_output_spec(
        self, features: Any, edges: Any, num_targets: int | None = None, training: bool = False
    ) -> keras.KerasTensor:
        """Returns shape and dtype of the output."""
        width = self.heads * self.channels if self.concat else self.channels
        shape = (features.shape[0] if num_targets is None else num_targets, width, *self._copies)
        return keras.KerasTensor(shape, self.compute_dtype)

    def stacked(self, copies: int) -> "GraphAttention":
        """Returns a new layer like this one for many copies of the weights at once."""
        # Not from its configuration: Keras serializes that with the help of TensorFlow, on any backend.
        names = ("channels", "heads", "concat", "negative_slope", "add_self_loops", "name")
        options = {name: getattr(self, name) for name in names}
        return GraphAttention(**options, dropout=self.dropout.rate, dtype=self.dtype_policy, copies=copies)

    def expect(self, features: np.ndarray) -> None:
        """Takes features that every call will be given for constant; where most are zero, that saves work."""
        if np.count_nonzero(features) < SPARSE * features.size:
            self._product = backend.sparse_product(features)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        names = ("channels", "heads", "concat", "negative_slope", "add_self_loops", "copies")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}, "dropout": self.dropout.rate}

    @property
    def _copies(self) -> tuple[int, ...]:
        return () if self.copies is None else (self.copies,)

    def _project(self, features: Array) -> Array:
        """Returns x W in heads, shape (num_nodes, heads, channels [, copies])."""
        if self._product is not None:
            projected = self._product(ops.reshape(self.kernel, (self.kernel.shape[0], -1)))
        elif self.copies is None:
            projected = ops.matmul(features, self.kernel)
        else:
            projected = ops.einsum("nf,fwc->nwc" if len(features.shape) == 2 else "nfc,fwc->nwc", features, self.kernel)
        return ops.reshape(projected, (-1, self.heads, self.channels, *self._copies))

    def _score(self, sums: Array) -> Array:
        # Not `ops.leaky_relu`: its slope at zero, where scores without features lie, differs between backends.
        return ops.where(sums > 0, sums, self.negative_slope * sums)

    def _weigh(self, weights: Array, hidden: Array, training: bool) -> Array:
        return ops.expand_dims(self.dropout(weights, training=training), 2) * hidden

    def _combine(self, heads: Array) -> Array:
        width = self.heads * self.channels
        return ops.reshape(heads, (-1, width, *self._copies)) if self.concat else ops.mean(heads, axis=1)
