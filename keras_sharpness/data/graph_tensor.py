"""Cora as a `GraphTensor` of TensorFlow GNN.

TensorFlow GNN runs next to Keras 3 but needs Keras 2 (`tf_keras`) as `tf.keras`. That choice holds for a whole process,
so it is left to whoever starts it.
"""

import os
from types import ModuleType
from typing import Any

import numpy as np

from keras_sharpness.data.dataset import Dataset
from keras_sharpness.errors import InputError, require, require_installed
from keras_sharpness.objective.graph import Graph


def cora_graph_tensor(dataset: Dataset) -> Any:
    """Converts Cora to a `tensorflow_gnn.GraphTensor`.

    Args:
        dataset: What `load("cora")` returned.

    Returns:
        One component, with the node set "papers" and the edge set "cites" (senders as `tfgnn.SOURCE`, receivers as
        `tfgnn.TARGET`, both directions, sorted by receiver). Features of "papers": "features", float32 of shape
        (2708, 1433); "label", int32 of shape (2708,); "train", "validation" and "test", bool of shape (2708,).

    Raises:
        InputError: If `dataset` is not a graph, TensorFlow GNN is missing, or TF_USE_LEGACY_KERAS=1 was not set.
    """
    graph = dataset.x
    if not isinstance(graph, Graph):
        raise InputError(f"`dataset` must hold a `Graph`. Received: {dataset.name}")
    tfgnn = _tensorflow_gnn()
    splits = {split: _mask(getattr(dataset, split), graph.num_nodes) for split in ("train", "validation", "test")}
    papers = tfgnn.NodeSet.from_fields(
        sizes=[graph.num_nodes], features={"features": graph.features, "label": dataset.y, **splits}
    )
    senders, receivers = graph.edges
    adjacency = tfgnn.Adjacency.from_indices(("papers", senders), ("papers", receivers))
    cites = tfgnn.EdgeSet.from_fields(sizes=[len(senders)], adjacency=adjacency)
    return tfgnn.GraphTensor.from_pieces(node_sets={"papers": papers}, edge_sets={"cites": cites})


def _mask(indices: np.ndarray, num_nodes: int) -> np.ndarray:
    mask = np.zeros(num_nodes, bool)
    mask[indices] = True
    return mask


def _tensorflow_gnn() -> ModuleType:
    require_installed("tensorflow_gnn", "tf_keras")
    setting = os.environ.get("TF_USE_LEGACY_KERAS")
    what = "the environment variable TF_USE_LEGACY_KERAS must be 1 before TensorFlow is imported, for tensorflow_gnn"
    require(setting in ("1", "true", "True"), what, TF_USE_LEGACY_KERAS=setting)
    try:
        import tensorflow_gnn
    except ImportError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{what}. Received: {reason}") from error
    return tensorflow_gnn
