"""Kendall's tau within strata, such as models trained for equally many epochs.

Only pairs of models of one stratum are compared, so that nothing that is equal within strata can explain the tau: the
stratified tau of Korn (1984, "Kendall's tau with a blocking variable", Biometrics 40). Its weights are those of
comparable pairs: tau = sum_s S_s / sqrt(sum_s X_s sum_s Y_s), with S_s the concordant minus the discordant pairs of
stratum s, X_s and Y_s its pairs not tied in x and in y. Without ties that is the mean of the strata's taus weighted by
their numbers of pairs, n_s (n_s - 1) / 2.
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.errors import require
from keras_sharpness.statistics.correlation import Kendall, checked
from keras_sharpness.statistics.intervals import FEWEST_MODELS
from keras_sharpness.statistics.jackknife import NO_INTERVAL, student_interval
from keras_sharpness.statistics.pairs import PairSums, pair_sums_within

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, kw_only=True)
class StratifiedKendall:
    """Kendall's tau within strata.

    Attributes:
        pooled: tau over the pairs of all strata. `num_models` counts the models that share their stratum with another.
        strata: A row for each stratum of two or more models: stratum, num_models, num_pairs (those that differ in x and
            in y, as the geometric mean of X_s and Y_s), tau.
    """

    pooled: Kendall
    strata: "pd.DataFrame"


def stratified_kendall(x: ArrayLike, y: ArrayLike, strata: ArrayLike, *, confidence: float = 0.95) -> StratifiedKendall:
    """Correlates two quantities within strata and pools.

    The interval leaves out each model in turn, on Fisher's z, with Student's distribution. Where strata are of two or
    three models only it is too wide: two models of one pair are taken for two observations.

    Args:
        x: One value per model, shape (num_models,).
        y: One value per model.
        strata: What the models of a stratum share: numbers or names, shape (num_models,).
        confidence: Nominal coverage of the interval, between 0 and 1.

    Returns:
        The pooled tau and those of the strata. Interval and p-value are NaN where fewer than 15 models share a stratum
        with another.

    Raises:
        InputError: If an argument is out of range, or no stratum has two models that differ in x and in y.
    """
    import pandas as pd

    require(0 < confidence < 1, "`confidence` must be between 0 and 1", confidence=confidence)
    a, b = checked(x, y, ("x", "y"))
    groups = np.asarray(strata)
    require(groups.shape == a.shape, "`strata` must hold one value per model", strata=groups.shape, x=a.shape)
    numbers, sizes = np.unique(pd.factorize(groups, use_na_sentinel=False)[0], return_inverse=True, return_counts=True)[
        1:
    ]
    kept = sizes[numbers] > 1
    a, b, groups, numbers = a[kept], b[kept], groups[kept], numbers[kept]
    sums = pair_sums_within(a, b, numbers)
    require(np.isfinite(sums.tau), "a stratum must hold two models that differ in `x` and `y`", strata=len(sizes))
    return StratifiedKendall(pooled=_pooled(sums, confidence), strata=_table(sums, groups, numbers))


def _pooled(sums: PairSums, confidence: float) -> Kendall:
    tau, num_models = sums.tau, len(sums.balance)
    enough = num_models >= FEWEST_MODELS and abs(tau) < 1
    precision = student_interval(tau, sums.left_out, confidence) if enough else NO_INTERVAL
    return Kendall(tau=tau, num_models=num_models, confidence=confidence, **precision)


def _table(sums: PairSums, groups: np.ndarray, numbers: np.ndarray) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for number in np.unique(numbers):
        part = numbers == number
        own = PairSums(sums.balance[part], sums.untied_x[part], sums.untied_y[part])
        pairs = np.sqrt(float(own.untied_x.sum()) * own.untied_y.sum()) / 2
        rows.append((groups[part][0], np.count_nonzero(part), pairs, own.tau))
    return pd.DataFrame(rows, columns=["stratum", "num_models", "num_pairs", "tau"])
