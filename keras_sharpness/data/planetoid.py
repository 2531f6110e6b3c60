"""Cora with the public split of Yang, Cohen and Salakhutdinov (arXiv:1603.08861), from the files they released.

The files are Python 2 pickles. Only files of known SHA-256 are read, and unpickling can make nothing but arrays,
sparse matrices, dictionaries and lists.
"""

import collections
import functools
import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_sharpness.data import files
from keras_sharpness.errors import InputError
from keras_sharpness.files.checksum import verify

URL = "https://raw.githubusercontent.com/kimiyoung/planetoid/af6abf468a772cc055bec88c52e4d6f51b7c37e3/data/"
SHA256 = {
    "ind.cora.x": "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab",
    "ind.cora.y": "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1",
    "ind.cora.tx": "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",
    "ind.cora.ty": "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",
    "ind.cora.allx": "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",
    "ind.cora.ally": "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",
    "ind.cora.graph": "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",
    "ind.cora.test.index": "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",
}
# The examples of `x` come first, then 500 for validation.
NUM_VALIDATION = 500


class Planetoid(NamedTuple):
    """What the files hold, nodes in Planetoid's order.

    Attributes:
        features: Binary, float32 of shape (num_nodes, num_features).
        labels: Integers of shape (num_nodes,).
        links: Node numbers, shape (2, num_links): both directions of every citation, some of them twice.
        train: Indices of the training nodes.
        validation: Indices of the validation nodes.
        test: Indices of the test nodes, sorted.
    """

    features: np.ndarray
    labels: np.ndarray
    links: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def find(data_dir: Path | None, download: bool = False) -> Path | None:
    """Finds the folder that holds Planetoid's files.

    Args:
        data_dir: Looked at first, with its folder `planetoid`.
        download: Whether to read the files fetched before, and to fetch those that are nowhere.

    Returns:
        The folder, or None if there is none.

    Raises:
        InputError: If a folder holds only some of the files, or one of them cannot be fetched.
    """
    folders = (data_dir, data_dir / "planetoid") if data_dir else ()
    found = files.obtain(SHA256, folders, URL, files.cache_folder("planetoid") if download else None)
    return found[0].parent if found else None


def read(folder: Path) -> Planetoid:
    """Reads Planetoid's files.

    Args:
        folder: Holds all eight files.

    Returns:
        The graph and its public split.

    Raises:
        InputError: If a file is not Planetoid's.
    """
    parts = {name.removeprefix("ind.cora."): _load(folder / name) for name in SHA256}
    test = np.array(parts["test.index"].split(), np.int64)
    num_train, num_others = parts["x"].shape[0], parts["allx"].shape[0]
    others = np.arange(num_others)
    # Row i of `tx` belongs to node `test.index[i]`.
    nodes = np.argsort(np.concatenate([others, test]))
    features = np.concatenate([parts["allx"].toarray(), parts["tx"].toarray()])[nodes]
    labels = np.concatenate([parts["ally"], parts["ty"]]).argmax(axis=1)[nodes]
    links = [(node, neighbour) for node, neighbours in parts["graph"].items() for neighbour in neighbours]
    validation = others[num_train : num_train + NUM_VALIDATION]
    return Planetoid(features, labels, np.array(links).T, others[:num_train], validation, np.sort(test))


def _load(path: Path) -> Any:
    content = verify(path, SHA256[path.name])
    return content if path.name == "ind.cora.test.index" else unpickle(content, path.name)


def unpickle(content: bytes, name: str) -> Any:
    """Unpickles arrays, sparse matrices, dictionaries and lists, and refuses anything else.

    Args:
        content: The pickle, written by Python 2 or later.
        name: What to call it in an error.

    Returns:
        The object.

    Raises:
        InputError: If the pickle asks for anything else, or is broken.
    """
    try:
        return _Unpickler(io.BytesIO(content), encoding="latin1", name=name).load()
    except InputError:
        raise
    except Exception as error:  # A broken pickle can raise nearly anything.
        raise InputError(f"{name} must be a whole pickle. Received: {type(error).__name__}") from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, *, encoding: str, name: str) -> None:
        super().__init__(file, encoding=encoding)
        self._name = name

    def find_class(self, module: str, name: str) -> Any:
        allowed = _allowed()
        if (module, name) not in allowed:
            raise InputError(f"{self._name} must hold arrays, dictionaries and lists only. Received: {module}.{name}")
        return allowed[module, name]


@functools.cache
def _allowed() -> Mapping[tuple[str, str], Any]:
    from scipy.sparse import csr_matrix

    # NumPy and SciPy have moved these since; an array's own pickle names the function that makes arrays.
    reconstruct = np.zeros(0).__reduce__()[0]
    return {
        ("numpy", "dtype"): np.dtype,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy.core.multiarray", "_reconstruct"): reconstruct,
        ("scipy.sparse.csr", "csr_matrix"): csr_matrix,
        ("collections", "defaultdict"): collections.defaultdict,
        ("__builtin__", "list"): list,
    }
