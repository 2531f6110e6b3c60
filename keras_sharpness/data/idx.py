"""FashionMNIST's files as its authors released them: gzip around the IDX format of MNIST."""

import gzip
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from keras_sharpness.data import files
from keras_sharpness.errors import require
from keras_sharpness.files.checksum import sha256
from keras_sharpness.files.plain import read

# The address and sums under which TensorFlow Datasets registers the files.
URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
SHA256 = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
# Where Debian's package `dataset-fashion-mnist` puts them.
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
# When the authors compressed the files, in seconds since 1970.
COMPRESSED = {"train": 1504176606, "t10k": 1504176627}
# The first bytes of a gzip file without a name: identification, deflate, no flags. Time, level and system follow.
_NAMELESS = b"\x1f\x8b\x08\x00"
_HAS_NAME = b"\x1f\x8b\x08\x08"


def find(data_dir: Path | None) -> dict[str, bytes]:
    """Reads the files from the folder that the user names.

    Args:
        data_dir: Looked at first, then its folder `fashion-mnist`.

    Returns:
        Their content by name, each as released; empty if there are none.

    Raises:
        InputError: If some are missing, or one is not FashionMNIST's.
    """
    folders = (data_dir, data_dir / "fashion-mnist") if data_dir else ()
    return _read_all(files.obtain(SHA256, folders, URL, None))


def find_or_fetch(download: bool) -> dict[str, bytes]:
    """Reads the files from Debian's package, or from those fetched, now or before.

    Args:
        download: Whether to fetch those that are nowhere.

    Returns:
        Their content by name, each as released.

    Raises:
        InputError: If they are nowhere, a download fails, or one is not FashionMNIST's.
    """
    cache = files.cache_folder("fashion-mnist")
    found = files.obtain(SHA256, (DEBIAN, cache), URL, cache if download else None)
    what = "FashionMNIST must be on this machine: install Debian's package dataset-fashion-mnist, name the folder of"
    require(bool(found), f"{what} its four .gz files with --data_dir, or allow --download")
    return _read_all(found)


def parse(originals: Mapping[str, bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Parses the files.

    Args:
        originals: Their content by name.

    Returns:
        Pixels, uint8 of shape (num_examples, 28, 28, 1), and labels, uint8 of shape (num_examples,); training
        examples first.
    """
    pixels, labels = (
        np.concatenate([_array(originals[f"{split}-{kind}-ubyte.gz"], header) for split in COMPRESSED])
        for kind, header in (("images-idx3", 16), ("labels-idx1", 8))
    )
    return pixels.reshape(-1, 28, 28, 1), labels


def restore(content: bytes, name: str) -> bytes:
    """Puts a file's name and time back into its gzip header, which Debian strips to make its package reproducible.

    Args:
        content: A gzip file; one that has a name is returned as it is.
        name: Name of the file, with `.gz`.

    Returns:
        The file as its authors compressed it, if nothing else was changed.
    """
    if not content.startswith(_NAMELESS):
        return content
    time = COMPRESSED[name.split("-")[0]].to_bytes(4, "little")
    level_and_system, compressed = content[8:10], content[10:]
    return _HAS_NAME + time + level_and_system + name.removesuffix(".gz").encode() + b"\0" + compressed


def _read_all(paths: list[Path]) -> dict[str, bytes]:
    return {path.name: _read(path) for path in paths}


def _read(path: Path) -> bytes:
    content = restore(read(path), path.name)
    received, expected = sha256(content), SHA256[path.name]
    what = f"{path} must have the SHA-256 {expected} once its gzip header holds the name and time of its authors"
    require(received == expected, what, sha256=received)
    return content


def _array(compressed: bytes, header: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress(compressed), np.uint8, offset=header)
