"""The granulated coefficient of Jiang et al. 2020 (arXiv:1912.02178, section 2)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_sharpness.statistics.pairs import pair_sums, pair_sums_within
from keras_sharpness.statistics.settings import columns, groups, numbered

if TYPE_CHECKING:
    import pandas as pd

# Models of a group whose pairs are all listed; larger groups are counted in n log^2 n time.
MOST_LISTED = 2000
# Numbers held at once in float64: 32 MB.
BLOCK_ELEMENTS = 2**22


def granulated_kendall(
    table: "pd.DataFrame", hyper_parameters: list[str], sharpness: str = "sharpness", test_loss: str = "test_loss"
) -> tuple[float, dict[str, float]]:
    """Correlates within groups of models that differ in one hyper-parameter only, and averages.

    A measure that only tracks one hyper-parameter scores high in tau over the whole pool, but not here. Models that
    share all hyper-parameters and differ in their seed are repetitions: pairs of them are not counted, as no
    hyper-parameter differs between the two. A hyper-parameter that is None or NaN has that as its value.

    Args:
        table: A row per model.
        hyper_parameters: Columns of the hyper-parameters. Not the seed's: it is what repetitions differ in.
        sharpness: Column of the measure.
        test_loss: Column of what it should predict.

    Returns:
        The mean over hyper-parameters, and the mean tau of the groups of each. NaN where no group has two different
        values of everything.

    Raises:
        InputError: If a column is missing, a value is not finite, or `seed` is among the hyper-parameters.
    """
    taus = granulated_taus(table, hyper_parameters, [sharpness], test_loss).loc[sharpness]
    return float(np.mean(taus)), taus.to_dict()


def granulated_taus(
    table: "pd.DataFrame", hyper_parameters: Sequence[str], measures: Sequence[str], target: str = "gap"
) -> "pd.DataFrame":
    """Returns the parts of the granulated coefficient: a row for each measure, a column for each hyper-parameter.

    Args:
        table: A row per model.
        hyper_parameters: Columns of the hyper-parameters.
        measures: Columns of the measures.
        target: Column of what they should predict.

    Raises:
        InputError: If a column is missing, a value is not finite, or `seed` is among the hyper-parameters.
    """
    import pandas as pd

    y, *xs = columns(table, hyper_parameters, (target, *measures))
    x, parts = np.stack(xs), {}
    for name in hyper_parameters:
        values, others = numbered(table[name]), groups(table, [other for other in hyper_parameters if other != name])
        order = np.argsort(others, kind="stable")
        each = np.split(order, np.flatnonzero(np.diff(others[order])) + 1)
        each = [rows for rows in each if len(rows) > 1] or each[:1]
        taus = np.array([_taus(x[:, rows], y[rows], values[rows]) for rows in each])
        defined = np.isfinite(taus)
        parts[name] = [float(taus[here, k].mean()) if here.any() else np.nan for k, here in enumerate(defined.T)]
    return pd.DataFrame(parts, index=pd.Index(measures, name="measure"))


def _taus(x: np.ndarray, y: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Returns the tau of each row of x with y, over the pairs of models whose hyper-parameter differs."""
    if len(y) > MOST_LISTED:
        return np.array([(pair_sums(row, y) - pair_sums_within(row, y, value)).tau for row in x])
    first, second = np.nonzero(np.triu(value[:, None] != value))
    up, step = np.sign(y[first] - y[second]), max(1, BLOCK_ELEMENTS // (len(first) or 1))
    sums = [_signed_sums(block, first, second, up) for block in np.split(x, range(step, len(x), step))]
    balance, untied = np.concatenate(sums, axis=1)
    with np.errstate(invalid="ignore"):
        return balance / np.sqrt(untied * np.abs(up).sum())


def _signed_sums(x: np.ndarray, first: np.ndarray, second: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Returns concordant minus discordant pairs, and pairs that differ in x, of each row of x."""
    right = np.sign(x[:, first] - x[:, second])
    return np.stack([right @ up, np.abs(right).sum(1)])
