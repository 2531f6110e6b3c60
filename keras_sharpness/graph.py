"""A graph whose nodes are the examples."""

import dataclasses

import numpy as np

from keras_sharpness.errors import require


@dataclasses.dataclass(frozen=True, eq=False)
class Graph:
    """One graph for node classification: an example is a node, and a batch is a set of nodes.

    A model that is given a `Graph` runs on the whole graph; the losses of a batch are those of its nodes' outputs.

    Attributes:
        features: Node features, shape (num_nodes, num_features).
        edges: Directed edges, integers of shape (2, num_edges): senders, then receivers. An undirected edge is listed
            in both directions.
    """

    features: np.ndarray
    edges: np.ndarray

    def __post_init__(self) -> None:
        """Checks shapes and that every edge joins nodes of the graph.

        Raises:
            InputError: If a shape is wrong or an edge ends outside the graph.
        """
        features, edges = np.asarray(self.features), np.asarray(self.edges)
        require(features.ndim == 2, "`features` must have shape (num_nodes, num_features)", shape=features.shape)
        require(edges.ndim == 2 and edges.shape[0] == 2, "`edges` must have shape (2, num_edges)", shape=edges.shape)
        require(np.issubdtype(edges.dtype, np.integer), "`edges` must be integers", dtype=str(edges.dtype))
        if edges.size:
            low, high = int(edges.min()), int(edges.max())
            require(
                low >= 0 and high < len(features),
                f"`edges` must join nodes 0 to {len(features) - 1}",
                smallest=low,
                largest=high,
            )

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return len(self.features)

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """What a graph model is called with: `{"features": ..., "edges": ...}`."""
        return {"features": self.features, "edges": self.edges}

    def receptive_edges(self, batches: np.ndarray, hops: int) -> np.ndarray:
        """Returns, for each batch, the edges that its nodes' outputs depend on after some rounds of messages.

        These are all edges into nodes fewer than `hops` steps away. So that every batch has equally many, the smaller
        ones are filled up with other edges of the graph, which change nothing.

        Args:
            batches: Nodes, integers of shape (num_batches, m).
            hops: Rounds of messages, at least 1.

        Returns:
            Shape (num_batches, 2, num_edges).
        """
        needed = np.stack([self._within(batch, hops - 1)[self.edges[1]] for batch in batches])
        most = needed.sum(axis=1).max()
        return self.edges[:, np.argsort(~needed, axis=1, kind="stable")[:, :most]].swapaxes(0, 1)

    def field(self, nodes: np.ndarray, hops: int) -> tuple["Graph", np.ndarray]:
        """Returns the part of the graph that outputs of `nodes` depend on after some rounds of messages.

        Args:
            nodes: Integers of shape (n,).
            hops: Rounds of messages, at least 1.

        Returns:
            The nodes at most `hops` steps away, with the edges into those that are nearer; and which nodes these are,
            in ascending order.
        """
        kept = self._within(nodes, hops)
        edges = self.edges[:, self._within(nodes, hops - 1)[self.edges[1]]]
        places = np.cumsum(kept) - 1
        return Graph(self.features[kept], places[edges].astype(self.edges.dtype)), np.flatnonzero(kept)

    def _within(self, nodes: np.ndarray, steps: int) -> np.ndarray:
        senders, receivers = self.edges
        reached = np.zeros(self.num_nodes, bool)
        reached[nodes] = True
        for _ in range(steps):
            reached[senders[reached[receivers]]] = True
        return reached
