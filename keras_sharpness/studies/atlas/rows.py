"""The rows of the atlas: a network on a data set, each."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

import keras
import numpy as np

from keras_sharpness import data, models
from keras_sharpness.errors import require
from keras_sharpness.studies.atlas.protocol import NUM_TEST, NUM_TRAIN, RATES

Network: TypeAlias = Literal["dense", "mixer", "convolution", "attention"]
Part: TypeAlias = tuple[Any, ...]

# Each network's own hyper-parameters: its width, and its depth or what comes nearest to it.
SIZES: Mapping[Network, Mapping[str, Sequence[Any]]] = {
    "dense": {"width": [16, 64], "depth": [1, 3]},
    "mixer": {"width": [16, 48], "depth": [1, 3]},
    "convolution": {"width": [4, 12], "depth": [1, 2]},
    "attention": {"width": [4, 16], "dropout": [0.2, 0.6]},
}
IMAGES, GRAPH, SERIES = "fashion_mnist", "cora", "mnist1d"


@dataclasses.dataclass(frozen=True)
class Row:
    """A network on a data set.

    Attributes:
        data_set: Name of the data set.
        network: Its network.
    """

    data_set: str
    network: Network = "dense"

    @property
    def name(self) -> str:
        """Name of the row's folder and table."""
        return self.data_set if self.network == "dense" else f"{self.data_set}-{self.network}"

    @property
    def space(self) -> dict[str, Sequence[Any]]:
        """Values of each hyper-parameter."""
        return {**SIZES[self.network], **RATES}


@dataclasses.dataclass(frozen=True, eq=False)
class Examples:
    """A split of a row's data, and how its models are built.

    Attributes:
        train: Training examples, as `train_pool` takes them.
        test: Test examples.
        build: From hyper-parameters to a model.
        loss: The loss.
    """

    train: Part
    test: Part
    build: Callable[..., keras.Model]
    loss: keras.losses.Loss


def rows(names: Sequence[str] = ()) -> list[Row]:
    """Returns the rows of the atlas.

    Args:
        names: Names of rows; nothing: all.

    Raises:
        InputError: If there is no such row.
    """
    dense = [Row(name) for name in (*data.tables(), IMAGES)]
    every = [*dense, Row(SERIES, "mixer"), Row(IMAGES, "convolution"), Row(GRAPH, "attention")]
    known = {row.name: row for row in every}
    unknown = [name for name in names if name not in known]
    require(not unknown, f"`rows` must be of the {len(known)} rows of the atlas (see docs/atlas.md)", unknown=unknown)
    return [known[name] for name in names or known]


def examples_of(row: Row, split_seed: int, data_dir: str | None = None) -> Examples:
    """Returns a split of a row's data.

    Args:
        row: The row.
        split_seed: Seed of the split.
        data_dir: Folder with the files of FashionMNIST.

    Raises:
        InputError: If the data are not installed, or not those that the atlas was made from.
    """
    if row.data_set == GRAPH:
        return _of_graph(split_seed)
    if row.data_set == IMAGES:
        x, y = _images(data_dir)
        x = x if row.network == "convolution" else x.reshape(len(x), -1)
        return _examples(row.network, *_drawn(x, y, split_seed), num_classes=10)
    table = data.load_table(row.data_set)
    num_train = min(NUM_TRAIN, len(table.x) // 2)
    train, test = table.split(split_seed, num_train, min(NUM_TEST, len(table.x) - num_train))
    if row.network == "mixer":
        train, test = ((x[:, :, None, None], y) for x, y in (train, test))
    return _examples(row.network, train, test, num_classes=table.num_classes)


def _examples(network: Network, train: Part, test: Part, num_classes: int) -> Examples:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if num_classes else None
    build = partial(_NETWORKS[network], shape=train[0].shape[1:], num_outputs=num_classes or 1)
    return Examples(train, test, build, loss or keras.losses.MeanSquaredError())


def _images(data_dir: str | None) -> tuple[np.ndarray, np.ndarray]:
    dataset = data.load(IMAGES, data_dir)
    return np.asarray(dataset.x), dataset.y


def _drawn(x: np.ndarray, y: np.ndarray, seed: int) -> tuple[Part, Part]:
    # Not stratified: FashionMNIST's classes are of one size.
    places = np.random.default_rng(seed).permutation(len(y))[: NUM_TRAIN + NUM_TEST]
    train, test = places[:NUM_TRAIN], places[NUM_TRAIN:]
    return (x[train], y[train]), (x[test], y[test])


def _of_graph(split_seed: int) -> Examples:
    dataset = data.load(GRAPH, split_seed=split_seed)
    train, test = ((dataset.x, dataset.y, nodes) for nodes in (dataset.train, dataset.test))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return Examples(train, test, _attention, loss)


def _dense(width: int, depth: int, *, shape: tuple[int, ...], num_outputs: int) -> keras.Model:
    hidden = [keras.layers.Dense(width, activation="relu") for _ in range(depth)]
    return keras.Sequential([keras.Input(shape), *hidden, keras.layers.Dense(num_outputs)])


def _convolution(width: int, depth: int, *, shape: tuple[int, ...], num_outputs: int) -> keras.Model:
    halving = {"kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"}
    hidden = [keras.layers.Conv2D(width * 2**k, **halving) for k in range(depth)]
    return keras.Sequential([keras.Input(shape), *hidden, keras.layers.Flatten(), keras.layers.Dense(num_outputs)])


def _mixer(width: int, depth: int, *, shape: tuple[int, int, int], num_outputs: int) -> keras.Model:
    return models.mlp_mixer(
        shape,
        num_outputs,
        patch_size=(4, 1),
        width=width,
        depth=depth,
        token_mlp_width=2 * width,
        channel_mlp_width=2 * width,
    )


def _attention(width: int, dropout: float) -> keras.Model:
    return models.gat(channels=width, dropout=dropout)


_NETWORKS: Mapping[Network, Callable[..., keras.Model]] = {
    "dense": _dense,
    "convolution": _convolution,
    "mixer": _mixer,
}
