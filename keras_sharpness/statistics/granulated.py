"""The granulated coefficient of Jiang et al. 2020 (arXiv:1912.02178, section 2)."""

from typing import TYPE_CHECKING

import numpy as np

from keras_sharpness.statistics.pairs import pair_sums, pair_sums_within
from keras_sharpness.statistics.settings import columns, groups, numbered

if TYPE_CHECKING:
    import pandas as pd


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
    x, y = columns(table, hyper_parameters, (sharpness, test_loss))
    coefficients = {}
    for name in hyper_parameters:
        values, others = numbered(table[name]), groups(table, [other for other in hyper_parameters if other != name])
        taus = [_tau(x[rows], y[rows], values[rows]) for rows in (others == g for g in np.unique(others))]
        coefficients[name] = float(np.nanmean(taus)) if np.isfinite(taus).any() else float("nan")
    return float(np.mean(list(coefficients.values()))), coefficients


def _tau(x: np.ndarray, y: np.ndarray, value: np.ndarray) -> float:
    """Returns tau over the pairs of models whose hyper-parameter differs."""
    return (pair_sums(x, y) - pair_sums_within(x, y, value)).tau
