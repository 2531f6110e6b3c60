"""Cora: the subjects of papers from their words and citations (McCallum et al. 2000, Sen et al. 2008)."""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_sharpness.data import embedded, planetoid
from keras_sharpness.data.dataset import Dataset
from keras_sharpness.objective.graph import Graph

SUBJECTS = (
    "Theory",
    "Reinforcement_Learning",
    "Genetic_Algorithms",
    "Neural_Networks",
    "Probabilistic_Methods",
    "Case_Based",
    "Rule_Learning",
)
NUM_TRAIN_PER_CLASS, NUM_VALIDATION, NUM_TEST = 20, 500, 1000


class Split(NamedTuple):
    """Disjoint, sorted indices of nodes, int64.

    Attributes:
        train: Training nodes.
        validation: Validation nodes.
        test: Test nodes.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def load(data_dir: Path | None = None, download: bool = False, split_seed: int = 0) -> Dataset:
    """Loads Cora.

    Planetoid's files are read where they are found, with their public split. Otherwise the shipped graph is, with a
    random split just as large and balanced. Both hold the same graph, up to the order of nodes and features.

    Args:
        data_dir: Folder to look for Planetoid's files in, or in its folder `planetoid`.
        download: Whether to fetch Planetoid's files if they are not there.
        split_seed: Seed of the shipped graph's split.

    Returns:
        A `Graph` with binary features, float32 of shape (2708, 1433), and edges of both directions, int32 of shape
        (2, 10556), sorted by receiver, without self-loops and repeats. Targets: indices into `SUBJECTS`, int32 of
        shape (2708,). 140 training nodes, 20 a class; 500 for validation; 1000 for testing.

    Raises:
        InputError: If a file found is not Planetoid's, or the download fails.
    """
    if folder := planetoid.find(data_dir, download):
        features, labels, links, *parts = planetoid.read(folder)
        split = Split(*parts)
        source = "Planetoid's Cora, public split"
    else:
        features, labels, links = read()
        split = balanced_split(labels, split_seed)
        source = f"LINQS's Cora, balanced split of seed {split_seed}"
    graph = Graph(features, both_directions(links))
    return Dataset(name="cora", x=graph, y=labels.astype(np.int32), **split._asdict(), source=source)


def read() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads the shipped graph.

    Returns:
        Binary features, float32 of shape (2708, 1433); labels of shape (2708,); links of shape (2, 5278).

    Raises:
        InputError: If the file is not as it was shipped.
    """
    arrays = np.load(io.BytesIO(embedded.read("cora.npz")), allow_pickle=False)
    starts = arrays["feature_starts"]
    features = np.zeros((len(starts) - 1, 1433), np.float32)
    rows = np.repeat(np.arange(len(features)), np.diff(starts))
    features[rows, arrays["feature_columns"]] = 1.0
    return features, arrays["labels"], arrays["edges"]


def both_directions(links: np.ndarray) -> np.ndarray:
    """Lists every edge of an undirected graph in both directions, once each.

    Args:
        links: Joined nodes, shape (2, num_links); either direction or both, repeats allowed.

    Returns:
        Senders and receivers, int32 of shape (2, num_edges), sorted by receiver, then sender. No self-loops.
    """
    first, second = links[:, links[0] != links[1]].astype(np.int32)
    receivers, senders = np.unique(np.stack([np.r_[first, second], np.r_[second, first]]), axis=1)
    return np.stack([senders, receivers])


def balanced_split(labels: np.ndarray, seed: int) -> Split:
    """Draws 20 training nodes of each class, then 500 validation and 1000 test nodes of any.

    Args:
        labels: Class of each node.
        seed: Seed of the draw.

    Returns:
        The split; some nodes are in no part of it.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    by_class = [order[labels[order] == label][:NUM_TRAIN_PER_CLASS] for label in range(len(SUBJECTS))]
    train = np.concatenate(by_class)
    rest = order[~np.isin(order, train)]
    held_out = rest[: NUM_VALIDATION + NUM_TEST]
    return Split(np.sort(train), np.sort(held_out[:NUM_VALIDATION]), np.sort(held_out[NUM_VALIDATION:]))
