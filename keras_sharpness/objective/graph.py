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

    def field(self, nodes: np.ndarray, hops: int) -> "Field":
        """Returns the part of the graph that outputs of `nodes` depend on after some rounds of messages.

        Args:
            nodes: Integers of shape (n,), without repeats.
            hops: Rounds of messages, at least 1.

        Returns:
            The nodes at most `hops` steps away, with the edges into those that are nearer.
        """
        steps = self._steps_to(nodes, hops)
        kept = np.flatnonzero(steps <= hops)
        kept = kept[np.argsort(steps[kept], kind="stable")]
        places = np.full(self.num_nodes, -1)
        places[kept] = np.arange(len(kept))
        edges = places[self.edges[:, steps[self.edges[1]] < hops]].astype(self.edges.dtype)
        edges = edges[:, np.argsort(edges[1], kind="stable")]
        within = np.searchsorted(steps[kept], np.arange(hops + 1), side="right")
        return Field(Graph(self.features[kept], edges), kept, within)

    def _steps_to(self, nodes: np.ndarray, most: int) -> np.ndarray:
        """Returns how many steps each node is from the nearest of `nodes`, and `most` + 1 where it is further."""
        senders, receivers = self.edges
        steps = np.full(self.num_nodes, most + 1)
        steps[nodes] = 0
        for distance in range(1, most + 1):
            reached = senders[steps[receivers] == distance - 1]
            steps[reached] = np.minimum(steps[reached], distance)
        return steps


@dataclasses.dataclass(frozen=True, eq=False)
class Field:
    """The receptive field of some nodes of a graph, in layers.

    Attributes:
        graph: The field as a graph of its own, the nearest nodes first, edges in ascending order of receivers.
        nodes: The same nodes in the whole graph, shape (num_nodes,).
        within: How many nodes are at most 0, 1, ... steps away, shape (hops + 1,).
    """

    graph: Graph
    nodes: np.ndarray
    within: np.ndarray

    def edges_into(self, num_nodes: int) -> int:
        """Returns how many edges end in the first nodes; they come first too."""
        return int(np.searchsorted(self.graph.edges[1], num_nodes))

    def places(self, nodes: np.ndarray) -> np.ndarray:
        """Returns where nodes of the whole graph are in the field."""
        order = np.argsort(self.nodes)
        return order[np.searchsorted(self.nodes, nodes, sorter=order)]
