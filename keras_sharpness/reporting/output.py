"""The files of a report: each appears whole, and none before all are made."""

from collections.abc import Mapping
from pathlib import Path

from keras_sharpness.files.atomic import atomic_open, remove_parts_of


def write_files(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    """Writes files into a folder.

    Args:
        folder: The folder.
        contents: What each is to hold, by name; all made already.
    """
    for name, content in contents.items():
        remove_parts_of(folder / name)
        with atomic_open(folder / name, "wb" if isinstance(content, bytes) else "w") as file:
            file.write(content)
