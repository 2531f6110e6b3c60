"""What all data sets say together of each measure: a mean over the population of data sets, by random effects."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from keras_sharpness.errors import InputError, require
from keras_sharpness.files.checksum import sha256
from keras_sharpness.pools.pool import REACHED
from keras_sharpness.statistics import random_effects
from keras_sharpness.statistics.simultaneous import simultaneous
from keras_sharpness.studies import folder as folders
from keras_sharpness.studies.atlas.criteria import LEAST_ERROR, NOISE, criteria_of
from keras_sharpness.studies.atlas.protocol import TRAINED
from keras_sharpness.studies.atlas.tables import RowTable, read_tables, table_path

# A measure that fewer data sets have says nothing of data sets at large.
LEAST_ROWS = 5
KEYS = ["group", "target", "criterion", "measure"]
FIELDS = (
    *("kind", "mean", "low", "high", "all_low", "all_high", "prediction_low", "prediction_high"),
    *("i_squared", "heterogeneity_p_value", "rows", "share_positive", "finding"),
)
log = logging.getLogger(__name__)


def write_answer(folder: Path) -> pd.DataFrame:
    """Scores all tables of an atlas; leaves `rows.csv`, `criteria.csv` and `answer.csv`.

    Args:
        folder: Folder of the atlas.

    Returns:
        The rows of `answer.csv`; see `answer`.

    Raises:
        InputError: If there are no tables, or one cannot be read.
    """
    tables = read_tables(folder)
    folders.write_csv(folder / "rows.csv", pd.DataFrame([_described(table) for table in tables]))
    found = [rows for table in tables if len(rows := keep_criteria(folder, table))]
    require(bool(found), f"{folder} must hold a row whose models reached its training loss")
    return leave_answer(folder, found)


def leave_answer(folder: Path, found: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Writes `criteria.csv` and `answer.csv`.

    Args:
        folder: Where.
        found: What `scored` yields, of one row or more.

    Returns:
        The rows of `answer.csv`; see `answer`.
    """
    criteria = pd.concat(found, ignore_index=True)
    folders.write_csv(folder / "criteria.csv", criteria)
    together = answer(criteria)
    folders.write_csv(folder / "answer.csv", together)
    return together


def keep_criteria(folder: Path, table: RowTable) -> pd.DataFrame:
    """Scores a row, or reads what was found of the same table earlier from `criteria/NAME.csv`; it takes some seconds.

    Args:
        folder: Folder of the atlas.
        table: The row's table.

    Returns:
        What `scored` yields; nothing where too few models are left.
    """
    path, of = folder / "criteria" / f"{table.name}.csv", sha256(table_path(folder, table.name).read_bytes())
    if path.exists():
        kept = pd.read_csv(path)
        if "table" in kept and (kept["table"] == of).all():
            return kept.drop(columns="table")
    found = next(scored([table]), pd.DataFrame())
    if len(found):
        folders.write_csv(path, found.assign(table=of))
    return found


def scored(tables: Iterable[RowTable], measures: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
    """Yields what each row says of measures; those with too few models are named and passed over.

    Args:
        tables: The rows' tables.
        measures: Columns to score; None: all, and noise.

    Yields:
        What `criteria_of` returns, with `data_set`, `network`, `task` and `kind`.
    """
    for table in tables:
        try:
            found = criteria_of(table, measures)
        except InputError as error:
            log.warning("%s is not ranked: %s", table.name, error)
            continue
        kinds = table.known["kinds"] | {NOISE: "check"}
        known = {name: table.known[name] for name in ("data_set", "network", "task")}
        yield found.assign(**known, kind=[kinds.get(name, "entry") for name in found["measure"]])


def answer(criteria: pd.DataFrame) -> pd.DataFrame:
    """Combines the rows of an atlas whose network is dense: one for each data set, independent of each other.

    Args:
        criteria: What `criteria_of` returns, of all rows, with `task`, `network` and `kind`.

    Returns:
        A row for each group of data sets ("all", "classification", "regression"), target, criterion and measure:
        `kind`, `mean`, `low`, `high` (of the mean over data sets); `all_low`, `all_high` (which hold for all measures
        at once); `prediction_low`, `prediction_high` (of another data set's value); `i_squared`,
        `heterogeneity_p_value`, `rows`, `share_positive` (of rows) and `finding`: "ranks", "ranks the wrong way" or
        "nothing found".
    """
    # A criterion that only one split has may lack a standard error.
    dense = criteria[(criteria["network"] == "dense") & criteria["standard_error"].notna()]
    both = pd.concat([dense.assign(group="all"), dense.assign(group=dense["task"])])
    groups = [(key, part) for key, part in both.groupby(KEYS, sort=False) if len(part) >= LEAST_ROWS]
    # Noise is a check, and not among the measures that are looked at.
    sizes = pd.Series([key[:3] for key, _ in groups if key[3] != NOISE]).value_counts()
    rows = [dict(zip(KEYS, key, strict=True)) | _together(part, int(sizes.get(key[:3], 1))) for key, part in groups]
    return pd.DataFrame(rows, columns=[*KEYS, *FIELDS])


def _described(table: RowTable) -> dict[str, object]:
    """Returns what a row is, and how many of its models reached its training loss."""
    names = ("data_set", "network", "task", "num_train", "num_test", "stop_loss")
    reached = int((table.models["status"] == REACHED).sum())
    return {"row": table.name, **{name: table.known[name] for name in names}, "reached": reached, "trained": TRAINED}


def _together(rows: pd.DataFrame, num_measures: int) -> dict[str, object]:
    values = rows["value"].to_numpy()
    found = random_effects(values, np.maximum(rows["standard_error"].to_numpy(), LEAST_ERROR))
    all_low, all_high = simultaneous(found.ci_low, found.ci_high, found.num_groups - 1, num_measures)
    return {
        "kind": rows["kind"].iloc[0],
        "mean": found.mean,
        "low": found.ci_low,
        "high": found.ci_high,
        "all_low": all_low,
        "all_high": all_high,
        "prediction_low": found.prediction_low,
        "prediction_high": found.prediction_high,
        "i_squared": found.i_squared,
        "heterogeneity_p_value": found.heterogeneity_p_value,
        "rows": found.num_groups,
        "share_positive": float((values > 0).mean()),
        # Mutual information has no sign, and is never below 0.
        "finding": "" if rows["criterion"].iloc[0] == "cmi" else _finding(all_low, all_high),
    }


def _finding(low: float, high: float) -> str:
    if low > 0:
        return "ranks"
    return "ranks the wrong way" if high < 0 else "nothing found"
