"""The measures of a pool, ranked against a target: criteria with intervals, each alone and all together."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from keras_sharpness.reporting.pool_folder import PoolFolder
from keras_sharpness.statistics.granulated import granulated_taus
from keras_sharpness.statistics.ranking import MOST_PARTS
from keras_sharpness.statistics.simultaneous import simultaneous

# The criterion that the answer is about, then the others: what each is called, and the range of its values.
CRITERIA = {
    "psi": ("psi", -1.0, 1.0),
    "tau": ("tau", -1.0, 1.0),
    "tau_given": ("tau given training loss", -1.0, 1.0),
    "cmi": ("conditional mutual information", 0.0, 1.0),
}


def criteria(pool: PoolFolder) -> list[str]:
    """Returns the criteria that the ranking has."""
    return [name for name in CRITERIA if f"{name}_high" in pool.ranking]


def ranked_measures(pool: PoolFolder, target: str) -> pd.DataFrame:
    """Returns the ranking of a target, the largest psi by size first.

    Args:
        pool: The pool.
        target: The target.

    Returns:
        The rows of `ranking.csv` with further columns: `kind`; `settings`, that the models are of; for each criterion
        `_all_low` and `_all_high`, the interval that holds together with those of all other measures; `clear`, whether
        that of psi excludes zero. Intervals end where the criterion's values do.
    """
    rows = pool.ranking[pool.ranking["target"] == target]
    rows = rows.sort_values("psi", key=np.abs, ascending=False, ignore_index=True)
    rows["kind"] = [pool.kind(name) for name in rows["measure"]]
    rows["settings"] = [_num_settings(pool, target, name) for name in rows["measure"]]
    for name in criteria(pool):
        number = max(1, int(np.isfinite(rows[f"{name}_high"]).sum()))
        ends = [
            simultaneous(low, high, max(1, min(MOST_PARTS, settings) - 1), number)
            for low, high, settings in zip(rows[f"{name}_low"], rows[f"{name}_high"], rows["settings"], strict=True)
        ]
        rows[[f"{name}_all_low", f"{name}_all_high"]] = np.array(ends)
        bounded = [f"{name}{end}" for end in ("_low", "_high", "_all_low", "_all_high")]
        rows[bounded] = rows[bounded].clip(*CRITERIA[name][1:])
    rows["clear"] = (rows["psi_all_low"] > 0) | (rows["psi_all_high"] < 0)
    return rows


def by_kind(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yields the rows of each kind of measure; the kind with the best measure comes first.

    Args:
        rows: What `ranked_measures` returned.

    Yields:
        Kind and rows.
    """
    for kind, part in rows.groupby("kind", sort=False):
        yield str(kind), part


def taus_within(pool: PoolFolder, target: str, measures: list[str]) -> pd.DataFrame:
    """Returns the parts of psi: a row for each measure, a column for each hyper-parameter.

    Args:
        pool: The pool.
        target: The target.
        measures: The measures, in the order of the rows.
    """
    # Measures that the same models have are taken together.
    having: dict[bytes, list[str]] = {}
    for name in measures:
        having.setdefault(pool.having(target, name).index.to_numpy().tobytes(), []).append(name)
    parts = [
        granulated_taus(pool.having(target, *names), pool.hyper_parameters, names, target) for names in having.values()
    ]
    return pd.concat(parts).loc[measures]


def _num_settings(pool: PoolFolder, target: str, measure: str) -> int:
    return int(pool.having(target, measure)["setting"].nunique())
