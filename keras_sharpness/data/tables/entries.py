"""The catalogue of tables: where each lies, how its file is read, what it holds, and whether it passes the rule."""

import csv
import dataclasses
import difflib
import functools
from pathlib import Path
from typing import Literal

from keras_sharpness.errors import InputError

PATH = Path(__file__).parent / "catalogue.csv"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of the catalogue. Several values of one field are joined by a semicolon.

    Attributes:
        name: Name of the table.
        package: The package that holds its files, as Python imports it.
        files: Their paths inside the package.
        format: How they are read; see `columns.parse`.
        target: Name of the target's column, or its number in a file without a header.
        drop: Names of columns that are left out: numbers of rows, dates, other targets.
        task: "regression" or "classification".
        rows: Rows without missing values.
        features: Features after words have been encoded.
        classes: Number of classes; 0 for regression.
        sha256: Sum of each file.
        source: Where the data come from.
        licence: Their licence; "unknown" where none could be found.
        fails: The clause of the rule that the table fails; empty if it passes.
    """

    name: str
    package: str
    files: str
    format: str
    target: str
    drop: str
    task: Literal["regression", "classification"]
    rows: int
    features: int
    classes: int
    sha256: str
    source: str
    licence: str
    fails: str


FIELDS = tuple(field.name for field in dataclasses.fields(Entry))


@functools.cache
def entries() -> dict[str, Entry]:
    """Reads the catalogue.

    Returns:
        All its lines by name, in their order.
    """
    with PATH.open(encoding="utf-8", newline="") as file:
        return {line["name"]: _entry(line) for line in csv.DictReader(file)}


def tables() -> list[str]:
    """Names the tables that pass the rule, in the order of the catalogue.

    Returns:
        What `load_table` takes.
    """
    return [name for name, entry in entries().items() if not entry.fails]


def find(name: str) -> Entry:
    """Looks up a table that passes the rule.

    Args:
        name: Its name.

    Returns:
        Its line.

    Raises:
        InputError: If there is none; it says why the rule leaves it out, or which name is near.
    """
    entry = entries().get(str(name))
    if entry is None:
        near = difflib.get_close_matches(str(name), tables(), n=1)
        hint = f" (near: {near[0]})" if near else ""
        raise InputError(f"`name` must be one of keras_sharpness.data.tables(){hint}. Received: name={name!r}")
    if entry.fails:
        raise InputError(
            f"`name` must be a table that passes the rule. Received: name={name!r}, which has {entry.fails}"
        )
    return entry


def _entry(line: dict[str, str]) -> Entry:
    numbers = {field: int(line[field]) for field in ("rows", "features", "classes")}
    return Entry(**(line | numbers))  # type: ignore[arg-type]
