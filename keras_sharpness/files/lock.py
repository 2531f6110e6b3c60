"""The lock of the process that works in a folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from keras_sharpness.errors import InputError
from keras_sharpness.files.atomic import remove_parts
from keras_sharpness.files.writable import require_writable


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keeps other processes out of a run's folder; the system releases the lock when this one dies.

    Args:
        folder: The folder.

    Yields:
        Nothing.

    Raises:
        InputError: If another process works in it, or it cannot be written to.
    """
    require_writable(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise InputError(
            f"{folder} must not be in use: another process works in it. Received: {lock.lock_file}"
        ) from None
    except OSError as error:
        raise InputError(f"{lock.lock_file} must be a plain file. Received: {error.strerror}") from None
    try:
        remove_parts(folder)
        yield
    finally:
        lock.release()
