"""Reads plain files only: a pipe in a file's place would be waited for, a device has no end."""

import stat
from pathlib import Path

from keras_sharpness.errors import InputError, require


def read_plain(path: Path, linked: bool = True) -> bytes:
    """Reads a file.

    Args:
        path: The file.
        linked: Whether it may be a link to the file. Where a program made a file itself, a link is none of its own.

    Returns:
        Its bytes.

    Raises:
        InputError: If it is no plain file.
        OSError: If it is not there, or may not be read.
    """
    require_plain(path, linked)
    return path.read_bytes()


def require_plain(path: Path, linked: bool = True) -> None:
    """Raises unless a path is that of a plain file.

    Args:
        path: The file.
        linked: Whether it may be a link to the file.

    Raises:
        InputError: If it is no plain file.
        OSError: If it is not there.
    """
    require(linked or not path.is_symlink(), f"{path} must be a plain file, not a link")
    require(stat.S_ISREG(path.stat().st_mode), f"{path} must be a plain file")


def read(path: Path) -> bytes:
    """Reads a file that must be there.

    Args:
        path: The file.

    Returns:
        Its bytes.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        return read_plain(path)
    except OSError as error:
        raise InputError(f"{path} must be a readable file. Received: {error.strerror}") from error
