"""How often a measure mistakes the sign of a change (Dziugaite et al. 2020, arXiv:2010.11924, section 4)."""

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from keras_sharpness.errors import require, require_count
from keras_sharpness.statistics.settings import columns, groups, numbered

if TYPE_CHECKING:
    import pandas as pd

# Pairs whose order is less sure than this do not count, nor environments with fewer pairs than this, in effect.
LEAST_CONFIDENCE = 0.5
LEAST_PAIRS = 12.0
# Pairs of models, times measures, at once: 128 MB.
BLOCK_ELEMENTS = 2**24


def sign_errors(
    table: "pd.DataFrame",
    hyper_parameters: Sequence[str],
    measures: Sequence[str],
    target: str = "gap",
    num_test: int | None = None,
    least_pairs: float = LEAST_PAIRS,
) -> "pd.DataFrame":
    """Counts, in every environment, the pairs of models that a measure orders otherwise than the target.

    An environment is a pair of settings that differ in one hyper-parameter; its pairs of models have one of each. Equal
    values of a measure count half. With `num_test`, a pair weighs (1 - 2 exp(-num_test d^2 / 2))^2 - 1/2, or nothing,
    d the difference of its targets: the confidence, by Hoeffding's inequality, that the order is no accident of the
    test set. That bound is for targets which are means of `num_test` numbers from 0 to 1, such as error rates.

    Args:
        table: A row per model.
        hyper_parameters: Columns of the hyper-parameters.
        measures: Columns of the measures.
        target: Column of what they should predict.
        num_test: Test examples behind a target; None: all pairs weigh the same.
        least_pairs: Environments with fewer pairs are left out. Weighted pairs count by Kish's effective number.

    Returns:
        A row per environment: `hyper_parameter`, its two values `first` and `second`, `others` (the values of the
        others, as text), `pairs` (the effective number), and the share of wrong signs for each measure, from 0 to 1.

    Raises:
        InputError: If a column is missing or a value is not finite.
    """
    import pandas as pd

    y, *xs = columns(table, hyper_parameters, (target, *measures))
    require_count("num_test", 1 if num_test is None else num_test)
    require(bool(measures), "`measures` must name at least one column", measures=list(measures))
    x = np.stack(xs, axis=1)
    rows = []
    for name in hyper_parameters:
        fixed = [other for other in hyper_parameters if other != name]
        others = groups(table, fixed)
        values, labels = numbered(table[name]), table[name].to_numpy()
        for group in np.unique(others):
            here = [np.flatnonzero((others == group) & (values == v)) for v in np.unique(values[others == group])]
            for first, second in combinations(here, 2):
                wrong, pairs = _errors(x, y, first, second, num_test)
                if pairs >= least_pairs - 1e-9:
                    ends = {"first": labels[first[0]], "second": labels[second[0]]}
                    at = ", ".join(f"{other}={table[other].iloc[first[0]]}" for other in fixed)
                    shares = dict(zip(measures, wrong, strict=True))
                    rows.append({"hyper_parameter": name, **ends, "others": at, "pairs": pairs, **shares})
    return pd.DataFrame(rows, columns=["hyper_parameter", "first", "second", "others", "pairs", *measures])


def summarize_sign_errors(environments: "pd.DataFrame", measures: Sequence[str]) -> "pd.DataFrame":
    """Returns mean, 90th percentile and worst case over environments, a row per measure.

    Args:
        environments: What `sign_errors` returned.
        measures: Columns of the measures.
    """
    import pandas as pd

    errors = environments[list(measures)]
    worst = errors.max() if len(errors) else errors.sum() * float("nan")
    parts = {"mean": errors.mean(), "percentile_90": errors.quantile(0.9), "worst": worst}
    return pd.DataFrame(parts).assign(environments=len(errors))


def _errors(
    x: np.ndarray, y: np.ndarray, first: np.ndarray, second: np.ndarray, num_test: int | None
) -> tuple[np.ndarray, float]:
    """Returns the weighted share of wrong signs of each measure, and the effective number of pairs."""
    change = y[first, None] - y[None, second]
    weights = _confidence(change, num_test)
    total = weights.sum()
    if total == 0:
        return np.full(x.shape[1], np.nan), 0.0
    step = max(1, BLOCK_ELEMENTS // change.size)
    blocks = [x[:, start : start + step] for start in range(0, x.shape[1], step)]
    wrong = np.concatenate([_wrong(block[first], block[second], change, weights) for block in blocks]) / total
    return wrong, float(total**2 / (weights**2).sum())


def _wrong(first: np.ndarray, second: np.ndarray, change: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns the sum of the weights of pairs that a measure orders otherwise than the target, for each measure."""
    agreement = np.sign(first[:, None] - second[None]) * np.sign(change)[..., None]
    return np.asarray(((1 - agreement) / 2 * weights[..., None]).sum((0, 1)))


def _confidence(change: np.ndarray, num_test: int | None) -> np.ndarray:
    if num_test is None:
        return np.ones(change.shape)
    sure = np.maximum(0.0, 1 - 2 * np.exp(-2 * num_test * (change / 2) ** 2)) ** 2
    return np.maximum(sure - LEAST_CONFIDENCE, 0.0)
