"""Files of arrays that know whether they are whole: an .npz whose last 64 bytes are the SHA-256 of all before them."""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from keras_sharpness.errors import require
from keras_sharpness.files.archive import read_arrays
from keras_sharpness.files.atomic import atomic_open

_LENGTH = 64


def save_arrays(path: Path, **arrays: Any) -> None:
    """Writes arrays to a file that appears whole or not at all.

    Args:
        path: Name of the file.
        **arrays: Arrays by name.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    # The checksum is the archive's comment, so that NumPy reads the file as any other.
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"0" * _LENGTH
    content = buffer.getvalue()[:-_LENGTH]
    with atomic_open(path, "wb") as file:
        file.write(content + _digest(content))


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Reads what `save_arrays` wrote.

    Args:
        path: The file.

    Returns:
        The arrays by name.

    Raises:
        InputError: If a single bit of the file is not what was written.
        FileNotFoundError: If there is none.
    """
    require(is_whole(path), f"{path} must be a whole file of a run; it is damaged")
    return read_arrays(path, str(path))


def is_whole(path: Path) -> bool:
    """Returns whether a file is as it was written."""
    content = path.read_bytes()
    return content[-_LENGTH:] == _digest(content[:-_LENGTH])


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
