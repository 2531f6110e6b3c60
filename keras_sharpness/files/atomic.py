"""Files that appear whole or not at all."""

import contextlib
import glob
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

SUFFIX = ".part"


@contextlib.contextmanager
def atomic_open(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Opens a temporary file that takes the name `path` once the block has ended well.

    Args:
        path: Name of the finished file; missing folders are made.
        mode: "w", "wb" or "w+b".

    Yields:
        The open temporary file, in the same folder. It is removed if the block raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=SUFFIX)
    try:
        # Names may hold bytes that are not UTF-8: a run must not fail over them at its end.
        kind = {} if "b" in mode else {"encoding": "utf-8", "errors": "backslashreplace"}
        with open(descriptor, mode, **kind) as file:  # type: ignore[call-overload]
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp lets only the owner read; a result is for everyone whom the umask allows.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a JSON file that appears whole or not at all."""
    with atomic_open(path) as file:
        json.dump(content, file, indent=2)
        file.write("\n")


def remove_parts(folder: Path) -> None:
    """Removes what processes that were killed while they wrote left in a folder and the folders in it."""
    for path in folder.rglob(f".*{SUFFIX}"):
        path.unlink()


def remove_parts_of(path: Path) -> None:
    """Removes what processes that were killed while they wrote one file left."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*{SUFFIX}"):
        part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Makes a rename survive a power loss; Windows has no such thing for folders."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
