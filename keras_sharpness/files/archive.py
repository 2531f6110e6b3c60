"""Zip archives that anyone may have written: nothing is unpacked before sizes and names are checked."""

import collections
import math
import os
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

import numpy as np

from keras_sharpness.errors import InputError, reason, require

# Members may be as large as this together, or this many times as large as their file.
MOST_BYTES, MOST_GROWTH = 2**30, 100
# Other methods let a member grow beyond the size that it declares before Python notices.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# By the versions of NumPy's format; the third is needed for names of fields only.
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def check_archive(file: IO[bytes], name: str) -> None:
    """Raises unless an archive is one of plain files that fit the memory.

    Args:
        file: The archive, open; it is left at its beginning.
        name: What the user calls it.

    Raises:
        InputError: If it is no zip archive, or a member's path leaves its folder, is there twice, is compressed in an
            unusual way, or all members together are far larger than the archive.
    """
    try:
        members = zipfile.ZipFile(file).infolist()
    except Exception as error:  # A damaged archive can raise almost any error.
        raise InputError(f"{name} must be a whole zip archive. Received: {reason(error)}") from error
    paths = [member.filename for member in members]
    outside = [path for path in paths if not _stays_inside(path)]
    require(not outside, f"{name} must hold paths inside its own folder only", path=outside and outside[0])
    twice = [path for path, count in collections.Counter(paths).items() if count > 1]
    require(not twice, f"{name} must hold every path once", path=twice and twice[0])
    methods = {member.compress_type for member in members} - set(METHODS)
    require(not methods, f"{name} must hold members that are stored or deflated", methods=methods)
    size, most = sum(member.file_size for member in members), MOST_GROWTH * file.seek(0, os.SEEK_END)
    require(size <= max(MOST_BYTES, most), f"{name} must unpack to 1 GiB or 100 times its size at most", bytes=size)
    file.seek(0)


def read_arrays(path: Path, name: str) -> dict[str, np.ndarray]:
    """Reads all arrays of a `.npz` file that anyone may have written.

    Args:
        path: The file.
        name: What the user calls it.

    Returns:
        The arrays by name.

    Raises:
        InputError: If it is no archive that `check_archive` lets pass, is damaged, or holds anything but plain arrays.
    """
    with path.open("rb") as file:
        return arrays_in(file, name)


def arrays_in(file: IO[bytes], name: str) -> dict[str, np.ndarray]:
    """Reads all arrays of a `.npz` file that is open.

    Args:
        file: The file.
        name: What the user calls it.

    Returns:
        The arrays by name.

    Raises:
        InputError: As of `read_arrays`.
    """
    check_archive(file, name)
    try:
        _check_headers(file)
        with np.load(file, allow_pickle=False) as members:
            return dict(members)
    except Exception as error:
        raise InputError(f"{name} must be a whole file of plain arrays. Received: {reason(error)}") from error


def _check_headers(file: IO[bytes]) -> None:
    """Raises unless every member is as large as the array that its header announces, which NumPy makes room for."""
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            with archive.open(member) as start:
                read = HEADERS[np.lib.format.read_magic(start)]
                shape, _, dtype = read(start)
                size = start.tell() + math.prod(shape) * dtype.itemsize
            require(dtype.hasobject or size == member.file_size, f"{member.filename!r} must be whole", bytes=size)
    file.seek(0)


def _stays_inside(path: str) -> bool:
    return not any(
        flavour.is_absolute() or flavour.anchor or ".." in flavour.parts
        for flavour in (PurePosixPath(path), PureWindowsPath(path))
    )
