"""Archives of files that are kept as they are, each of which can be read by itself."""

import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from keras_sharpness.errors import require
from keras_sharpness.files.archive import check_archive
from keras_sharpness.files.atomic import atomic_open
from keras_sharpness.files.plain import require_plain

# Of a zip archive's header of a file: where the lengths of its name and of an extra field are, which follow it.
LENGTHS, HEADER_END = 26, 30
Directory: TypeAlias = Mapping[str, zipfile.ZipInfo]


def write_archive(path: Path, contents: Iterable[tuple[str, bytes]]) -> None:
    """Writes a zip archive that appears whole or not at all.

    Args:
        path: The archive.
        contents: Name and content of each file, one at a time.
    """
    with atomic_open(path, "wb") as file, zipfile.ZipFile(file, "w") as archive:
        for name, content in contents:
            archive.writestr(zipfile.ZipInfo(name), content)


def read_directory(path: Path) -> Directory:
    """Reads where the files of an archive are.

    Args:
        path: The archive.

    Returns:
        What `read_entry` needs, by name.

    Raises:
        InputError: If it is no plain file, or no archive that `check_archive` lets pass, or holds compressed files.
    """
    require_plain(path, linked=False)
    with path.open("rb") as file:
        check_archive(file, str(path))
        found = zipfile.ZipFile(file).infolist()
    size = path.stat().st_size
    fits = all(entry.compress_type == zipfile.ZIP_STORED and entry.file_size <= size for entry in found)
    require(fits, f"{path} must hold files as they are, not compressed")
    return {entry.filename: entry for entry in found}


def read_entry(path: Path, entry: zipfile.ZipInfo) -> bytes:
    """Reads one file of an archive, without the others.

    Args:
        path: The archive.
        entry: Where the file is.

    Returns:
        Its content.

    Raises:
        InputError: If its checksum is another.
    """
    with path.open("rb") as file:
        file.seek(entry.header_offset + LENGTHS)
        lengths = file.read(HEADER_END - LENGTHS).ljust(HEADER_END - LENGTHS, b"\0")
        file.seek(sum(struct.unpack("<2H", lengths)), 1)
        content = file.read(entry.file_size)
    require(zlib.crc32(content) == entry.CRC, f"{path / entry.filename} must be a whole file of a run; it is damaged")
    return content
