"""Tables of models over hyper-parameters: which models share a setting, and which values they have."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_sharpness.errors import require
from keras_sharpness.statistics.correlation import vector

if TYPE_CHECKING:
    import pandas as pd

SEEDS = ("seed", "seeds")


def columns(table: "pd.DataFrame", hyper_parameters: Sequence[str], values: Sequence[str]) -> list[np.ndarray]:
    """Returns columns of numbers, after checking that everything is there.

    Args:
        table: A row per model.
        hyper_parameters: Columns of the hyper-parameters.
        values: Columns of numbers.

    Raises:
        InputError: If a column is missing, a number is not finite, or the seed is among the hyper-parameters.
    """
    missing = [name for name in (*hyper_parameters, *values) if name not in table]
    require(bool(hyper_parameters) and not missing, "the table must have a column for each name", missing=missing)
    seeds = [name for name in hyper_parameters if name in SEEDS]
    require(not seeds, "`hyper_parameters` must not hold the seed: models of different seeds repeat one", seeds=seeds)
    return [vector(name, table[name]) for name in values]


def without_infinities(table: "pd.DataFrame", measures: Sequence[str]) -> "pd.DataFrame":
    """Returns a table whose infinite measures are numbers beyond all others, which is all that an order needs.

    Args:
        table: A row per model.
        measures: Columns of the measures.
    """

    def bounded(column: "pd.Series") -> np.ndarray:
        values = column.to_numpy(float)
        finite = values[np.isfinite(values)]
        low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
        reach = 1 + high - low
        return np.where(np.isposinf(values), high + reach, np.where(np.isneginf(values), low - reach, values))

    return table.assign(**{name: bounded(table[name]) for name in measures if name in table})


def numbered(column: "pd.Series") -> np.ndarray:
    """Returns a number for each different value of a column, None and NaN included."""
    import pandas as pd

    return pd.factorize(column, use_na_sentinel=False)[0]


def groups(table: "pd.DataFrame", names: Sequence[str]) -> np.ndarray:
    """Returns a number for each model, equal for models that agree in some hyper-parameters.

    Args:
        table: A row per model.
        names: Columns of the hyper-parameters; none: all models agree.
    """
    if not names:
        return np.zeros(len(table), dtype=int)
    return np.unique([numbered(table[name]) for name in names], axis=1, return_inverse=True)[1].ravel()
