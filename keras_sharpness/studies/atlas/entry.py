"""A new measure, scored over the atlas: from the stored pools or, without weights, from the published tables."""

import dataclasses
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from keras_sharpness.complexity.definition import Measure
from keras_sharpness.complexity.measure_pool import measure_pool
from keras_sharpness.complexity.trained_model import TrainedModel
from keras_sharpness.errors import InputError, reason, require
from keras_sharpness.pools.pool import REACHED, Pool
from keras_sharpness.studies.atlas import protocol
from keras_sharpness.studies.atlas.answer import leave_answer, scored
from keras_sharpness.studies.atlas.atlas_run import POOLS, sample_of
from keras_sharpness.studies.atlas.pools import RowPools
from keras_sharpness.studies.atlas.rows import rows
from keras_sharpness.studies.atlas.tables import RowTable, read_tables
from keras_sharpness.studies.pool_file import run_file

OfModel: TypeAlias = Callable[[TrainedModel], float]
Column: TypeAlias = Callable[[pd.DataFrame], Any]
log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Entry:
    """A new measure.

    Attributes:
        name: Its name: that of its file.
        measure: From a `ks.TrainedModel` to a number; None: it needs no weights.
        column: From the models of a row (a pandas table) to a number for each; None: it needs weights.
    """

    name: str
    measure: OfModel | None
    column: Column | None


def read_entry(path: str | Path) -> Entry:
    """Runs a file of Python that defines `measure(trained)`, `column(models)`, or both.

    Args:
        path: The file. Its code is run.

    Returns:
        The measure.

    Raises:
        InputError: If it cannot be run, or defines neither.
    """
    require(Path(path).is_file(), "`score` must be a file of Python", score=str(path))
    found = run_file(path)
    functions = {name: found.get(name) for name in ("measure", "column")}
    callables = {name: function for name, function in functions.items() if callable(function)}
    require(bool(callables), f"{path} must define measure(trained) or column(models)", defined=sorted(callables))
    return Entry(Path(path).stem, callables.get("measure"), callables.get("column"))


def score(entry: Entry, folder: Path, data_dir: str | None = None) -> pd.DataFrame:
    """Scores a measure over all rows of an atlas; leaves `entries/NAME/criteria.csv` and `answer.csv`.

    Args:
        entry: The measure.
        folder: Folder of the atlas, with its tables and, for a measure of weights, its pools.
        data_dir: Folder with the files of FashionMNIST.

    Returns:
        The rows of `answer.csv`; see `answer.answer`.

    Raises:
        InputError: If the measure needs weights and no pool is there, or it fails on a row.
    """
    found = [*scored(_with_entry(entry, folder, data_dir), [entry.name])]
    must = f"{folder / POOLS} must hold the pools, since {entry.name} needs weights; `python main.py atlas` trains them"
    require(bool(found), must)
    return leave_answer(folder / "entries" / entry.name, found)


def _with_entry(entry: Entry, folder: Path, data_dir: str | None) -> Iterator[RowTable]:
    """Yields the tables with the measure as a further column; those that can have it."""
    for table in read_tables(folder):
        if entry.measure and (folder / POOLS / table.name).is_dir():
            yield _from_pools(entry.name, entry.measure, table, folder / POOLS / table.name, data_dir)
        elif entry.column:
            yield _from_table(entry.name, entry.column, table)
        else:
            log.warning("%s is passed over: its weights are not in %s", table.name, folder / POOLS)


def _from_table(name: str, column: Column, table: RowTable) -> RowTable:
    try:
        values = pd.Series(column(table.models.copy()), index=table.models.index).astype(float)
    except Exception as error:  # Whatever the user's own code raises.
        must = f"column(models) of {name} must give a number for each model of {table.name}"
        raise InputError(f"{must}. Received: {reason(error)}") from error
    return dataclasses.replace(table, models=table.models.assign(**{name: values}))


def _from_pools(name: str, measure: OfModel, table: RowTable, work: Path, data_dir: str | None) -> RowTable:
    (row,), own = rows([table.name]), Measure(name, "sharpness", "an entry", measure)
    pools = RowPools(row, work, data_dir)
    found = [_measured(pools.pool(seed), own).assign(split=seed) for seed in protocol.SPLIT_SEEDS]
    others = table.models.drop(columns=name, errors="ignore")
    return dataclasses.replace(table, models=others.merge(pd.concat(found), on=["split", "index"]))


def _measured(pool: Pool, own: Measure) -> pd.DataFrame:
    return measure_pool(pool, [own], statuses=[REACHED], **sample_of(pool))[["index", own.name]]
