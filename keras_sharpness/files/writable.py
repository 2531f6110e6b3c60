"""Folders of results that cannot be: found out before hours of work, without leaving anything behind."""

import os
import shutil
import tempfile
from pathlib import Path

from keras_sharpness.errors import InputError, require

# Smaller than the files of any run.
PROBE = bytes(2**16)
LONGEST_NAME = 255


def require_writable(folder: Path) -> None:
    """Raises unless files can be written to a folder, or to a new one of that name.

    Args:
        folder: The folder. It need not exist, and is not made.

    Raises:
        InputError: If it lies below a file or behind a link to nothing, or its file system is full or not writable.
    """
    what = f"{str(folder)!r} must be a folder, or a new name"
    require(_can_be_a_name(folder), f"{what}, of parts of at most {LONGEST_NAME} bytes")
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
    link = " is a link to" if nearest.is_symlink() else " is"
    if not nearest.is_dir():
        raise InputError(f"{what}. Received: {nearest}{link} no folder")
    try:
        with tempfile.TemporaryFile(dir=nearest, buffering=0) as probe:
            written = probe.write(PROBE)
        # A disk that is all but full takes a part.
        why = "" if written == len(PROBE) else "No space left on device"
    except OSError as error:
        why = error.strerror or str(error)
    if why:
        why = f"{why}, {shutil.disk_usage(nearest).free:,} bytes free in {nearest}"
        raise InputError(f"{str(folder)!r} must be a folder that can be written to. Received: {why}")


def _can_be_a_name(folder: Path) -> bool:
    try:
        names = [os.fsencode(part) for part in folder.parts]
    except UnicodeEncodeError:
        return False
    return all(len(name) <= LONGEST_NAME and b"\0" not in name for name in names)
