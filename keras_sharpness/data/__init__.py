"""The paper's three data sets. Local sources are looked for before any network, and nothing is fetched unasked.

Importing this needs neither Keras nor TensorFlow; Abalone and Cora are read with NumPy alone.
"""

import importlib
from pathlib import Path
from typing import Any

from keras_sharpness.data.dataset import Dataset as Dataset
from keras_sharpness.errors import require

NAMES = ("abalone", "fashion_mnist", "cora")


def load(name: str, data_dir: str | Path | None = None, download: bool = False) -> Dataset:
    """Returns a data set as arrays.

    Args:
        name: "abalone", "fashion_mnist" or "cora".
        data_dir: Folder with data files, looked in first: FashionMNIST's, or the Planetoid split of Cora.
        download: Whether files that are nowhere on this machine may be downloaded. Without it Cora comes from the
            package, and FashionMNIST must be there.

    Returns:
        The examples and the indices of their splits.

    Raises:
        InputError: If the name is unknown, `data_dir` is no folder, or a file is missing or not the published one.
    """
    return _module(name).load(_folder(data_dir), download)


def builder(name: str, data_dir: str | Path | None = None, download: bool = False) -> Any:
    """Returns a data set as a TensorFlow Datasets builder.

    Args:
        name: "abalone", "fashion_mnist" or "cora".
        data_dir: Folder of TFDS's prepared data, or with data files; None is TFDS's own folder.
        download: Whether files that are nowhere on this machine may be downloaded.

    Returns:
        A `tfds.core.DatasetBuilder`, its data prepared: `builder("cora").as_dataset(split="train")`.

    Raises:
        InputError: As `load`.
    """
    return _module(name).builder(_folder(data_dir), download)


def _module(name: str) -> Any:
    require(name in NAMES, f"the data set must be one of {', '.join(NAMES)}", name=name)
    return importlib.import_module(f"{__name__}.{name}")


def _folder(data_dir: str | Path | None) -> Path | None:
    require(data_dir is None or Path(data_dir).is_dir(), "`data_dir` must be a folder", data_dir=str(data_dir))
    return None if data_dir is None else Path(data_dir)
