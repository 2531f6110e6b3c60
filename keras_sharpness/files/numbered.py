"""Numbered files of one folder, packed into blocks, so that a pool of 100,000 models is not as many files.

Each file is written by itself. Once all files of a block are there and whole, they are packed as they are into a zip
archive, and then removed: `00000-00255.zip` holds `00000.npz` to `00255.npz`. The archive appears whole, so that a kill
leaves files, an archive, or both. Where both are there, the file counts, as it is the newer one.
"""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from keras_sharpness.errors import InputError, require
from keras_sharpness.files.atomic import atomic_open
from keras_sharpness.files.packed import Directory, read_directory, read_entry, write_archive
from keras_sharpness.files.plain import read_plain

# Files in a block. The names of archives follow from it: with another number, those of earlier runs would be missed.
BLOCK = 256
# A larger block stays files: a pool has few of these, and they would take long to copy.
MOST_BYTES = 2**28
ARCHIVE = re.compile(r"(\d{5,})-\d{5,}\.zip")


class NumberedFiles:
    """The files `00000.npz`, `00001.npz`, ... of a folder, each by itself or in the archive of its block."""

    def __init__(self, folder: Path, suffix: str, is_whole: Callable[[bytes], bool]) -> None:
        """Looks at nothing yet.

        Args:
            folder: The folder; it need not exist.
            suffix: End of the files' names.
            is_whole: Whether the content of a file is as it was written.
        """
        self._folder, self._suffix, self._is_whole = folder, suffix, is_whole
        self._last: tuple[object, Directory] = None, {}

    def path(self, index: int) -> Path:
        """Returns where a file is written."""
        return self._folder / f"{index:05d}{self._suffix}"

    def where(self, index: int) -> Path:
        """Returns what messages call a file: its path, or its name below the archive of its block."""
        alone, archive = self.path(index), self._archive(index)
        return alone if os.path.lexists(alone) or not os.path.lexists(archive) else archive / alone.name

    def read(self, index: int) -> bytes:
        """Returns the content of a file.

        Args:
            index: Its number.

        Returns:
            Its bytes as they are: they may be damaged.

        Raises:
            InputError: If it is no plain file, or its archive is damaged.
            FileNotFoundError: If there is none.
        """
        path, archive = self.path(index), self._archive(index)
        # A link to nothing is there too: it is damaged, not missing.
        if os.path.lexists(path):
            return read_plain(path, linked=False)
        entry = self._directory(archive).get(path.name)
        if entry is None:
            raise FileNotFoundError(archive / path.name)
        return read_entry(archive, entry)

    def whole(self) -> tuple[set[int], dict[Path, list[int]]]:
        """Reads all files.

        Returns:
            The numbers of those that are whole; and those that are damaged, by the file or archive that is.
        """
        whole, damaged = set(), dict[Path, list[int]]()
        for index in sorted(self._alone().union(*(self._packed(first) for first in self._archives()))):
            if self._is_there_whole(index):
                whole.add(index)
            else:
                damaged.setdefault(self._damaged(index), []).append(index)
        return whole, damaged

    def pack(self, index: int | None = None) -> None:
        """Packs the block of a file, if all of it is there and whole.

        Args:
            index: The file; None: of all files, which packs what a killed run left.
        """
        for first in {number // BLOCK * BLOCK for number in (self._alone() if index is None else [index])}:
            indices = range(first, first + BLOCK)
            # The last file comes last, most of the time.
            if all(map(self._is_there, reversed(indices))) and self._size(indices) <= MOST_BYTES:
                self._pack(indices)

    def clear(self) -> None:
        """Removes all files."""
        for path in self._files():
            path.unlink()

    def copy_to(self, other: "NumberedFiles") -> None:
        """Copies the files that another folder does not have.

        Args:
            other: That of the other folder.
        """
        for path in self._files():
            copy = other._folder / path.name
            if not copy.exists():
                with atomic_open(copy, "wb") as file:
                    file.write(read_plain(path, linked=False))

    def _pack(self, indices: range) -> None:
        try:
            write_archive(self._archive(indices[0]), ((self.path(i).name, self._read_whole(i)) for i in indices))
        except InputError:
            # What is damaged stays where it is, to be named and made again.
            return
        for path in map(self.path, indices):
            path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return [*map(self.path, sorted(self._alone())), *map(self._archive, self._archives())]

    def _alone(self) -> set[int]:
        return {int(path.stem) for path in self._folder.glob(f"*{self._suffix}") if path.stem.isdecimal()}

    def _archives(self) -> list[int]:
        """Returns the first number of each archive."""
        names = {path.name for path in self._folder.glob("*.zip")}
        firsts = sorted(int(match[1]) for match in map(ARCHIVE.fullmatch, names) if match)
        return [first for first in firsts if first % BLOCK == 0 and self._archive(first).name in names]

    def _archive(self, index: int) -> Path:
        first = index // BLOCK * BLOCK
        return self._folder / f"{first:05d}-{first + BLOCK - 1:05d}.zip"

    def _packed(self, first: int) -> Sequence[int]:
        """Returns the numbers of the files in an archive; all that belong there where it is damaged."""
        indices = range(first, first + BLOCK)
        try:
            names = self._directory(self._archive(first))
        except InputError:
            return indices
        return [index for index in indices if self.path(index).name in names]

    def _damaged(self, index: int) -> Path:
        alone = self.path(index)
        return alone if self.where(index) == alone else self._archive(index)

    def _is_there(self, index: int) -> bool:
        path = self.path(index)
        try:
            return os.path.lexists(path) or path.name in self._directory(self._archive(index))
        except (InputError, FileNotFoundError):
            return False

    def _is_there_whole(self, index: int) -> bool:
        try:
            return bool(self._read_whole(index))
        except (InputError, FileNotFoundError):
            return False

    def _read_whole(self, index: int) -> bytes:
        content = self.read(index)
        require(self._is_whole(content), f"{self.where(index)} must be a whole file of a run; it is damaged")
        return content

    def _size(self, indices: range) -> int:
        return sum(path.lstat().st_size for path in map(self.path, indices) if os.path.lexists(path))

    def _directory(self, archive: Path) -> Directory:
        """Returns what is in an archive. That of the last one is kept, as files are mostly read in order."""
        status = archive.lstat()
        which = archive, status.st_ino, status.st_mtime_ns, status.st_size
        last, directory = self._last
        if last != which:
            directory = read_directory(archive)
            self._last = which, directory
        return directory
