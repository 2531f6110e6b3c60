"""The published tables of the atlas: a row per model, and beside it what is known of all of them."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pandas as pd

from keras_sharpness.complexity import MEASURES
from keras_sharpness.errors import InputError, require
from keras_sharpness.files.atomic import atomic_open, write_json
from keras_sharpness.files.plain import read_plain
from keras_sharpness.studies import folder as folders
from keras_sharpness.studies.atlas.rows import Row

TABLES = "tables"
# More digits than any criterion sees; half the size of all that a float has.
FORMAT = "%.9g"


@dataclasses.dataclass(frozen=True, eq=False)
class RowTable:
    """What was measured of a row.

    Attributes:
        name: Name of the row.
        models: A row per model: `split`, hyper-parameters, losses, `gap`, measures.
        known: `data_set`, `network`, `task`, `hyper_parameters`, `measures`, `kinds`, `left_out`, `stop_loss`,
            `num_train`, `num_test`, `versions`.
    """

    name: str
    models: pd.DataFrame
    known: dict[str, Any]


def table_path(folder: Path, name: str) -> Path:
    """Returns the file of a row's table; a row that has it is done."""
    return folder / TABLES / f"{name}.csv"


def write_table(folder: Path, row: Row, models: pd.DataFrame, known: dict[str, Any]) -> RowTable:
    """Writes the table of a row, last, so that what has one is done.

    Args:
        folder: Folder of the atlas.
        row: The row.
        models: A row per model.
        known: What is known of all.

    Returns:
        The table as it is read.
    """
    task = "classification" if "test_error" in models else "regression"
    kinds = {name: MEASURES[name].kind for name in known["measures"]}
    content = {**dataclasses.asdict(row), "task": task, **known, "kinds": kinds, "versions": folders.versions()}
    write_json(folder / TABLES / f"{row.name}.json", content)
    with atomic_open(table_path(folder, row.name)) as file:
        models.to_csv(file, index=False, float_format=FORMAT)
    return _read(table_path(folder, row.name))


def read_tables(folder: str | Path) -> list[RowTable]:
    """Returns the tables of an atlas, by name.

    Args:
        folder: Folder of the atlas.

    Raises:
        InputError: If there is none, or one cannot be read.
    """
    paths = sorted((Path(folder) / TABLES).glob("*.csv"))
    require(bool(paths), f"{folder} must hold the tables of an atlas; `python main.py atlas` makes them")
    return [_read(path) for path in paths]


def _read(path: Path) -> RowTable:
    try:
        known = json.loads(read_plain(path.with_suffix(".json")))
        models = pd.read_csv(path)
        models.attrs |= {name: known[name] for name in ("hyper_parameters", "measures")}
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(f"{path} must be a table of the atlas, with its .json beside it. Received: {error}") from error
    return RowTable(path.stem, models, known)
