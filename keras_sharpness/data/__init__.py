"""The data sets of the paper, Abalone, FashionMNIST and Cora, and tables from packages of the Python registry.

Abalone and Cora ship with the package. FashionMNIST comes through TensorFlow Datasets where that is installed, else
from its files. Nothing here imports TensorFlow before it is needed.
"""

from pathlib import Path
from typing import Any

from keras_sharpness.data import abalone, cora, fashion_mnist
from keras_sharpness.data.corruptions import corrupt
from keras_sharpness.data.dataset import Dataset
from keras_sharpness.data.tables import Table, load_table, tables
from keras_sharpness.errors import require, require_installed, require_seed

__all__ = ["NAMES", "Dataset", "Table", "builder", "cora_graph_tensor", "corrupt", "load", "load_table", "tables"]

NAMES = ("abalone", "cora", "fashion_mnist")


def load(name: str, data_dir: str | Path | None = None, download: bool = False, split_seed: int = 0) -> Dataset:
    """Loads a data set.

    Args:
        name: "abalone", "cora" or "fashion_mnist".
        data_dir: Folder with the data set's files as their authors released them; for FashionMNIST also a data
            directory of TensorFlow Datasets. Not needed for Abalone and Cora, which ship with the package.
        download: Whether files that are not found may be fetched. Without it nothing touches the network.
        split_seed: Seed of the split where there is no public one. FashionMNIST and Planetoid's Cora have one.

    Returns:
        The data set, its arrays ready for a network: standardized (Abalone), normalized (FashionMNIST) or binary
        (Cora).

    Raises:
        InputError: If there is no such data set or folder, or its files are missing or not the ones expected.
    """
    _require_name(name)
    require_seed(split_seed)
    folder = _folder(data_dir)
    if name == "abalone":
        return abalone.load(folder, split_seed)
    if name == "cora":
        return cora.load(folder, download, split_seed)
    return fashion_mnist.load(folder, download)


def builder(name: str, data_dir: str | Path | None = None, **kwargs: Any) -> Any:
    """Returns the TensorFlow Datasets builder of a data set.

    `builder(name).download_and_prepare()` needs no network for Abalone and Cora. FashionMNIST is prepared by
    `load("fashion_mnist")`, which looks for its files on this machine first.

    Args:
        name: "abalone", "cora" or "fashion_mnist".
        data_dir: Where the prepared data set is or goes; None: the default of TensorFlow Datasets.
        **kwargs: Further arguments of the builder, such as `config="citations"` for Cora's edges.

    Returns:
        A `tfds.core.DatasetBuilder`.

    Raises:
        InputError: If there is no such data set, or TensorFlow Datasets is not installed.
    """
    _require_name(name)
    require_installed("tensorflow_datasets", "importlib_resources")
    from keras_sharpness.data import builders

    return builders.builder(name, data_dir, **kwargs)


def cora_graph_tensor(dataset: Dataset | None = None) -> Any:
    """Returns Cora as a `tensorflow_gnn.GraphTensor`; see `graph_tensor.cora_graph_tensor`.

    Args:
        dataset: What `load("cora")` returned; None: load it.

    Returns:
        The graph with its labels and splits.

    Raises:
        InputError: If TensorFlow GNN is missing, or TF_USE_LEGACY_KERAS=1 was not set.
    """
    from keras_sharpness.data import graph_tensor

    return graph_tensor.cora_graph_tensor(dataset or load("cora"))


def _require_name(name: str) -> None:
    require(name in NAMES, f"`name` must be one of {', '.join(NAMES)}", name=name)


def _folder(data_dir: str | Path | None) -> Path | None:
    if data_dir is None:
        return None
    folder = Path(data_dir).expanduser()
    require(folder.is_dir(), "`data_dir` must be a folder that exists", data_dir=str(data_dir))
    return folder
