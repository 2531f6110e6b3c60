"""The graph attention layer of Velickovic et al. (arXiv:1710.10903)."""

from typing import Any

import keras
from keras import ops

from keras_sharpness.models.dropout import Dropout
from keras_sharpness.typing import Array


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
        add_self_loops: Whether each node attends to itself beside its given neighbours.
        **kwargs: Keras layer arguments.

    Call arguments:
        features: Shape (num_nodes, num_features).
        edges: Integers of shape (2, num_edges): senders, then receivers.

    Call returns:
        Shape (num_nodes, heads * channels) if concatenated, else (num_nodes, channels).
    """

    # How far a node's output reaches: its neighbours.
    hops = 1

    def __init__(
        self,
        channels: int,
        heads: int = 1,
        concat: bool = True,
        dropout: float = 0.0,
        negative_slope: float = 0.2,
        add_self_loops: bool = True,
        **kwargs: Any,
    ) -> None:
        """See the class."""
        super().__init__(**kwargs)
        self.channels, self.heads, self.concat = channels, heads, concat
        self.negative_slope, self.add_self_loops = negative_slope, add_self_loops
        self.dropout = Dropout(dropout)

    def build(self, features_shape: tuple, edges_shape: tuple) -> None:
        """Creates the weights: kernel, the two attention vectors of each head, bias."""
        width = self.heads * self.channels
        self.kernel = self.add_weight(shape=(features_shape[-1], width), initializer="glorot_uniform", name="kernel")
        for role in ("sender", "receiver"):
            attention = self.add_weight(
                shape=(self.heads, self.channels), initializer="glorot_uniform", name=f"{role}_attention"
            )
            setattr(self, f"{role}_attention", attention)
        self.bias = self.add_weight(shape=(width if self.concat else self.channels,), initializer="zeros", name="bias")
        self.built = True

    def call(self, features: Array, edges: Array, training: bool = False) -> Array:
        """Returns the nodes' new features; see the class."""
        num_nodes = ops.shape(features)[0]
        senders, receivers = edges[0], edges[1]
        hidden = ops.reshape(ops.matmul(features, self.kernel), (-1, self.heads, self.channels))
        sent = ops.sum(hidden * self.sender_attention, axis=-1)
        received = ops.sum(hidden * self.receiver_attention, axis=-1)
        scores = self._score(ops.take(sent, senders, axis=0) + ops.take(received, receivers, axis=0))
        own = self._score(sent + received)
        # Softmax ignores a shift; the largest score keeps exp finite, and its gradient is zero.
        highest = ops.segment_max(scores, receivers, num_nodes)
        highest = ops.stop_gradient(ops.maximum(highest, own) if self.add_self_loops else highest)
        weights = ops.exp(scores - ops.take(highest, receivers, axis=0))
        total = ops.segment_sum(weights, receivers, num_nodes)
        messages = self._weigh(weights, ops.take(hidden, senders, axis=0), training)
        out = ops.segment_sum(messages, receivers, num_nodes)
        if self.add_self_loops:
            # A node's edge to itself needs no look-up, which is most of an edge's cost.
            own = ops.exp(own - highest)
            total, out = total + own, out + self._weigh(own, hidden, training)
        else:
            # A node without neighbours gets the bias alone.
            total = ops.where(total > 0, total, 1)
        return self._combine(out / total[..., None]) + self.bias

    def compute_output_shape(self, features_shape: tuple, edges_shape: tuple) -> tuple:
        """Returns the shape of the output."""
        return (features_shape[0], self.heads * self.channels if self.concat else self.channels)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        names = ("channels", "heads", "concat", "negative_slope", "add_self_loops")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}, "dropout": self.dropout.rate}

    def _score(self, sums: Array) -> Array:
        return ops.leaky_relu(sums, self.negative_slope)

    def _weigh(self, weights: Array, hidden: Array, training: bool) -> Array:
        return self.dropout(weights, training=training)[..., None] * hidden

    def _combine(self, heads: Array) -> Array:
        return ops.reshape(heads, (-1, self.heads * self.channels)) if self.concat else ops.mean(heads, axis=1)
