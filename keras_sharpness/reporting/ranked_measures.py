"""The measures of a pool, ranked against a target: criteria with intervals, each alone and all together."""

import dataclasses
from collections.abc import Iterable, Iterator

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
    "sign_agreement": ("agreement of signs", -1.0, 1.0),
}


def criteria(pool: PoolFolder) -> list[str]:
    """Returns the criteria that the ranking has."""
    return [name for name in CRITERIA if f"{name}_high" in pool.ranking]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ranking:
    """All measures, ranked against one target.

    Attributes:
        target: The target.
        rows: A row for each measure, the largest psi by size first: columns of `ranking.csv`, and `kind`; `settings`,
            which the models are of; for each criterion `_all_low` and `_all_high`, the interval that holds together
            with those of all other measures; `clear`, whether that of psi excludes zero.
        taus: Parts of psi: by measure a row, by hyper-parameter a column.
    """

    target: str
    rows: pd.DataFrame
    taus: pd.DataFrame

    @property
    def measures(self) -> list[str]:
        """Names of the measures, the best first."""
        return list(self.rows["measure"])

    @property
    def turned(self) -> dict[str, bool]:
        """By measure, whether its psi is negative: it orders models the other way round."""
        return dict(zip(self.measures, (self.rows["psi"] < 0).tolist(), strict=True))


def rank(pool: PoolFolder, target: str) -> Ranking:
    """Ranks the measures of a pool; intervals end where the criterion's values do.

    Args:
        pool: The pool.
        target: The target.

    Returns:
        The ranking.
    """
    rows = pool.ranking[pool.ranking["target"] == target]
    rows = rows.sort_values("psi", key=np.abs, ascending=False, ignore_index=True)
    having = _having(pool, target, rows["measure"])
    rows["kind"] = [pool.kind(name) for name in rows["measure"]]
    rows["settings"] = 0
    for names, models in having:
        rows.loc[rows["measure"].isin(names), "settings"] = models["setting"].nunique()
    for name in criteria(pool):
        rows = rows.assign(**_together(rows, name))
    clear = (rows["psi_all_low"] > 0) | (rows["psi_all_high"] < 0)
    taus = [granulated_taus(models, pool.hyper_parameters, names, target) for names, models in having]
    return Ranking(target=target, rows=rows.assign(clear=clear), taus=pd.concat(taus).loc[list(rows["measure"])])


def by_kind(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yields the rows of each kind of measure; the kind with the best measure comes first.

    Args:
        rows: Rows of a ranking.

    Yields:
        Kind and rows.
    """
    for kind, part in rows.groupby("kind", sort=False):
        yield str(kind), part


def _having(pool: PoolFolder, target: str, measures: Iterable[str]) -> list[tuple[list[str], pd.DataFrame]]:
    """Returns measures that the same models have, and these models."""
    found: dict[bytes, tuple[list[str], pd.DataFrame]] = {}
    for name in measures:
        models = pool.having(target, name)
        found.setdefault(models.index.to_numpy().tobytes(), ([], models))[0].append(name)
    return list(found.values())


def _together(rows: pd.DataFrame, name: str) -> dict[str, pd.Series]:
    """Returns all intervals of a criterion, those of each measure alone and those that hold together."""
    low, high = rows[f"{name}_low"], rows[f"{name}_high"]
    number, ends = max(1, int(high.notna().sum())), {f"{name}_low": low, f"{name}_high": high}
    wide = {f"{name}_all_low": low.copy(), f"{name}_all_high": high.copy()}
    # The jackknife leaves out parts of the settings in turn.
    for parts, part in rows.groupby(rows["settings"].clip(2, MOST_PARTS)):
        found = simultaneous(low[part.index], high[part.index], int(parts) - 1, number)
        for values, those in zip(wide.values(), found, strict=True):
            values[part.index] = those
    return {end: values.clip(*CRITERIA[name][1:]) for end, values in (ends | wide).items()}
