"""The lock of the process that works in a folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from keras_sharpness.errors import InputError
from keras_sharpness.files.atomic import remove_parts


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keeps other processes out of a run's folder; the system releases the lock when this one dies.

    Args:
        folder: The folder.

    Yields:
        Nothing.

    Raises:
        InputError: If another process works in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise InputError(
            f"{folder} must not be in use: another process works in it. Received: {lock.lock_file}"
        ) from None
    try:
        remove_parts(folder)
        yield
    finally:
        lock.release()
