"""The granulated coefficient of Jiang et al. 2020 (arXiv:1912.02178, section 2)."""

import numpy as np
import pandas as pd
import scipy.stats

from keras_sharpness.errors import require


def granulated_kendall(
    table: pd.DataFrame, hyper_parameters: list[str], sharpness: str = "sharpness", test_loss: str = "test_loss"
) -> tuple[float, dict[str, float]]:
    """Correlates within groups of models that differ in one hyper-parameter only, and averages.

    A measure that only tracks one hyper-parameter scores high in tau over the whole pool, but not here.

    Args:
        table: A row per model.
        hyper_parameters: Columns of the hyper-parameters.
        sharpness: Column of the measure.
        test_loss: Column of what it should predict.

    Returns:
        The mean over hyper-parameters, and the mean tau of the groups of each. NaN where no group has two different
        values of everything.

    Raises:
        InputError: If a column is missing.
    """
    missing = [name for name in (*hyper_parameters, sharpness, test_loss) if name not in table]
    require(bool(hyper_parameters) and not missing, "the table must have a column for each name", missing=missing)
    coefficients = {}
    for name in hyper_parameters:
        others = [other for other in hyper_parameters if other != name]
        groups = [rows for _, rows in table.groupby(others)] if others else [table]
        taus = [_tau(rows[sharpness], rows[test_loss]) for rows in groups if rows[name].nunique() > 1]
        coefficients[name] = float(np.nanmean(taus)) if np.isfinite(taus).any() else float("nan")
    return float(np.mean(list(coefficients.values()))), coefficients


def _tau(x: pd.Series, y: pd.Series) -> float:
    return float(scipy.stats.kendalltau(x, y).statistic) if x.nunique() > 1 and y.nunique() > 1 else float("nan")
