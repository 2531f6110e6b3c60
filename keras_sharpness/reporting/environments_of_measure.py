"""In which environments a measure errs most: what `environments.csv` says of one measure."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from keras_sharpness.reporting.pool_folder import ENVIRONMENTS, PoolFolder
from keras_sharpness.reporting.wording import number, quantity

MOST_SHOWN = 10
HEAD = ("hyper-parameter", "from", "to", "the others", "pairs", "wrong signs")


def errors_of(pool: PoolFolder, measure: str, turned: bool = False) -> pd.DataFrame:
    """Returns the environments in which a measure has a sign error, the worst first, with that error as `error`.

    Args:
        pool: The pool.
        measure: The measure.
        turned: Whether the measure is taken the other way round: then it is right where its sign is wrong.
    """
    if measure not in pool.environments:
        return pd.DataFrame(columns=[*ENVIRONMENTS, "error"])
    others = {*pool.ranking["measure"]} - {measure}
    table = pool.environments[[name for name in pool.environments if name not in others]]
    table = table.rename(columns={measure: "error"})
    if turned:
        table["error"] = 1 - table["error"]
    return table[np.isfinite(table["error"])].sort_values("error", ascending=False, kind="stable")


def worst_cells(errors: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Yields a row for each of the worst environments of a measure, under `HEAD`.

    Args:
        errors: What `errors_of` returned.

    Yields:
        The cells.
    """
    for row in errors.head(MOST_SHOWN).to_dict("records"):
        yield *(row[name] for name in ENVIRONMENTS[:-1]), quantity(row["pairs"]), number(row["error"])
