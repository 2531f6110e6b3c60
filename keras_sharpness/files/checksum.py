"""SHA-256: of files whose content is known beforehand, and inside files of arrays, to tell whether they are whole.

A file of arrays is an .npz whose last 64 bytes are the SHA-256 of all bytes before them.
"""

import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_sharpness.errors import require
from keras_sharpness.files.archive import arrays_in
from keras_sharpness.files.atomic import atomic_open
from keras_sharpness.files.plain import read, read_plain

_LENGTH = 64


def sha256(content: bytes) -> str:
    """Returns the SHA-256 of `content` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def verify(path: Path, expected: str) -> bytes:
    """Reads a file whose content is known beforehand.

    Args:
        path: The file.
        expected: SHA-256 that its content must have.

    Returns:
        The bytes that were checked, so that nobody can change the file in between.

    Raises:
        InputError: If the file cannot be read or holds anything else.
    """
    content = read(path)
    received = sha256(content)
    require(received == expected, f"{path} must have the SHA-256 {expected}", sha256=received)
    return content


def save_arrays(path: Path, **arrays: Any) -> None:
    """Writes arrays to a file that appears whole or not at all.

    Args:
        path: Name of the file.
        **arrays: Arrays by name.
    """
    _save(path, np.savez, arrays)


def save_compressed(path: Path, **arrays: Any) -> None:
    """Writes arrays as `save_arrays` does, deflated.

    Args:
        path: Name of the file.
        **arrays: Arrays by name.
    """
    _save(path, np.savez_compressed, arrays)


def _save(path: Path, write: Callable[..., None], arrays: dict[str, Any]) -> None:
    with atomic_open(path, "w+b") as file:
        write(file, **arrays)
        # The checksum is the archive's comment, so that NumPy can read the file like any other.
        with zipfile.ZipFile(file, "a") as archive:
            archive.comment = b"0" * _LENGTH
        file.seek(-_LENGTH, os.SEEK_END)
        file.truncate()
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        file.seek(0, os.SEEK_END)
        file.write(digest.encode())


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Reads what `save_arrays` wrote.

    Args:
        path: The file.

    Returns:
        The arrays by name.

    Raises:
        InputError: If a single bit of the file is not what was written, or it is a link.
        FileNotFoundError: If there is none.
    """
    return arrays_of(read_plain(path, linked=False), path)


def arrays_of(content: bytes, path: Path) -> dict[str, np.ndarray]:
    """Reads the arrays of a file that `save_arrays` wrote and that was read already.

    Args:
        content: What the file holds.
        path: What the file is called.

    Returns:
        The arrays by name.

    Raises:
        InputError: If a single bit is not what was written.
    """
    require(ends_in_its_sum(content), f"{path} must be a whole file of a run; it is damaged")
    return arrays_in(io.BytesIO(content), str(path))


def ends_in_its_sum(content: bytes) -> bool:
    """Returns whether the content of a file of arrays is as it was written."""
    return content[-_LENGTH:] == sha256(content[:-_LENGTH]).encode()
