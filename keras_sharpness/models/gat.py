"""The graph attention network for Cora."""

import keras

from keras_sharpness.models.dropout import Dropout
from keras_sharpness.models.graph_attention import GraphAttention


def gat(
    num_features: int = 1433, num_classes: int = 7, channels: int = 8, heads: int = 1, dropout: float = 0.6
) -> keras.Model:
    """Builds the two-layer network of the paper's section III.C.

    Attention, ELU, dropout, attention. The first layer concatenates its heads, the second averages them, as in
    arXiv:1710.10903.

    Args:
        num_features: Features of a node.
        num_classes: Logits of a node.
        channels: Hidden channels of each head.
        heads: Attention heads of both layers; the paper's code has one.
        dropout: Rate on the attention coefficients of both layers and on the hidden units.

    Returns:
        Model from {"features": (num_nodes, num_features), "edges": (2, num_edges)} to logits of shape
        (num_nodes, num_classes).
    """
    features = keras.Input(batch_shape=(None, num_features), name="features")
    edges = keras.Input(batch_shape=(2, None), dtype="int32", name="edges")
    hidden = GraphAttention(channels, heads, dropout=dropout)(features, edges)
    hidden = Dropout(dropout)(keras.layers.ELU()(hidden))
    logits = GraphAttention(num_classes, heads, concat=False, dropout=dropout)(hidden, edges)
    return keras.Model({"features": features, "edges": edges}, logits, name="gat")
