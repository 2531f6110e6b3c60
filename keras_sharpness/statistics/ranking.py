"""Which measures rank the generalization of a pool: every criterion, a row per measure, with intervals."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipy

from keras_sharpness.errors import require
from keras_sharpness.statistics.conditional_information import Pairs, smallest
from keras_sharpness.statistics.environments import LEAST_PAIRS, sign_errors, summarize_sign_errors
from keras_sharpness.statistics.granulated import granulated_taus
from keras_sharpness.statistics.pairs import pair_sums
from keras_sharpness.statistics.residual import residual_tau
from keras_sharpness.statistics.settings import columns, groups, without_infinities

if TYPE_CHECKING:
    import pandas as pd

# Parts of the settings that are left out in turn for standard errors.
MOST_PARTS = 20
LEAST_SETTINGS = 8

Criterion = Callable[[np.ndarray], float]
"""From whether each model counts to the value of a criterion on these."""


def rank_measures(
    table: "pd.DataFrame",
    hyper_parameters: Sequence[str] | None = None,
    measures: Sequence[str] | None = None,
    target: str = "gap",
    given: Sequence[str] = ("training_loss",),
    num_test: int | None = None,
    confidence: float = 0.95,
    least_pairs: float = LEAST_PAIRS,
) -> "pd.DataFrame":
    """Scores measures by all criteria of the field.

    Models of one setting are no independent evidence, so that intervals come from a jackknife over settings: up to 20
    parts of them are left out in turn, with their models of all seeds. They cover what other settings of the same
    space would give, not what another space would. A measure that is infinite counts as larger than all numbers. Of a
    pool of more than 2,000 models, `cmi` is that of 2,000 drawn at random.

    Args:
        table: A row per model.
        hyper_parameters: Columns of the hyper-parameters; None: as `measure_pool` noted them.
        measures: Columns of the measures; None: likewise.
        target: Column of what they should predict.
        given: Columns that `tau_given` holds fixed; those that are not in the table are left out.
        num_test: Test examples behind a target; see `sign_errors`.
        confidence: Nominal coverage of the intervals, between 0 and 1.
        least_pairs: Pairs of models in an environment of sign errors, at least.

    Returns:
        A row per measure, best `psi` by size first: `models` (that have it), `tau` (Kendall's), `tau_given`, `psi`
        (the granulated coefficient), `cmi` (conditional mutual information), each with `_low` and `_high`, and
        `sign_error`, `sign_error_90`, `sign_error_worst`: mean, 90th percentile and worst of the environments. A
        measure that models of fewer than 8 settings have comes last, without numbers.

    Raises:
        InputError: If a column is missing, the target is not finite, or there are fewer than 8 settings.
    """
    import pandas as pd

    hyper_parameters = _noted(table, "hyper_parameters", hyper_parameters)
    measures = _noted(table, "measures", measures)
    missing = [name for name in measures if name not in table]
    require(bool(measures) and not missing, "the table must have a column for each measure", missing=missing)
    columns(table, hyper_parameters, (target,))  # refuses what is no number
    table = without_infinities(table, measures)
    size = _num_settings(table, hyper_parameters)
    require(size >= LEAST_SETTINGS, f"a pool must hold at least {LEAST_SETTINGS} settings", settings=size)
    # Measures that the same models have are ranked together.
    having: dict[bytes, list[str]] = {}
    for name in measures:
        having.setdefault(np.isfinite(table[name].to_numpy(float)).tobytes(), []).append(name)
    parts = []
    for stays, names in having.items():
        part = table[np.frombuffer(stays, bool)]
        if _num_settings(part, hyper_parameters) >= LEAST_SETTINGS:
            errors = summarize_sign_errors(
                sign_errors(part, hyper_parameters, names, target, num_test, least_pairs), names
            )
            parts.append(_rank(part, hyper_parameters, names, target, given, errors, confidence))
        else:
            parts.append(pd.DataFrame({"measure": names, "models": len(part)}))
    ranked = pd.concat(parts)
    return ranked.sort_values("psi", key=np.abs, ascending=False, ignore_index=True)


def _noted(table: "pd.DataFrame", name: str, given: Sequence[str] | None) -> list[str]:
    noted = table.attrs.get(name) if given is None else given
    require(noted is not None, f"`{name}` must be given for a table that does not come from measure_pool")
    return [*noted]


def _num_settings(table: "pd.DataFrame", hyper_parameters: list[str]) -> int:
    return len(np.unique(groups(table, hyper_parameters))) if len(table) else 0


def _rank(
    table: "pd.DataFrame",
    hyper_parameters: list[str],
    measures: list[str],
    target: str,
    given: Sequence[str],
    errors: "pd.DataFrame",
    confidence: float,
) -> "pd.DataFrame":
    """Returns a row for each of some measures that all models have; see `rank_measures`."""
    import pandas as pd

    y, *xs = columns(table, hyper_parameters, (target, *measures))
    settings = groups(table, list(hyper_parameters))
    num_settings = len(np.unique(settings))
    parts = np.random.default_rng(0).permutation(num_settings)[settings] % min(MOST_PARTS, num_settings)
    pairs, held = Pairs(table, hyper_parameters), [table[name].to_numpy(float) for name in given if name in table]
    everything, left_out = np.ones(len(y), bool), [parts != part for part in np.unique(parts)]

    def psi(stays: np.ndarray) -> "pd.Series":
        return granulated_taus(table[stays], hyper_parameters, measures, target).mean(axis=1)

    # Of all measures at once: the groups of models are the same.
    psis, psis_left_out = psi(everything), [psi(stays) for stays in left_out]
    rows = []
    for name, x in zip(measures, xs, strict=True):
        criteria = _criteria(x, y, held)
        row: dict[str, object] = {"measure": name, "models": len(table)}
        found = {criterion: interval_over_parts(value, parts, confidence) for criterion, value in criteria.items()}
        found["psi"] = _interval(float(psis[name]), np.array([part[name] for part in psis_left_out]), confidence)
        whole = smallest(pairs.information(x, y, everything))
        found["cmi"] = _interval(whole, np.array(pairs.without_parts(x, y, parts)), confidence)
        for criterion, numbers in found.items():
            row |= {criterion + end: number for end, number in zip(("", "_low", "_high"), numbers, strict=True)}
        for end, column in (("", "mean"), ("_90", "percentile_90"), ("_worst", "worst")):
            row["sign_error" + end] = errors.loc[name, column]
        rows.append(row)
    return pd.DataFrame(rows)


def interval_over_parts(criterion: Criterion, parts: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Returns a criterion's value on all models, and its interval from a jackknife with Student's distribution.

    Args:
        criterion: The criterion.
        parts: The part that each model belongs to; parts are left out in turn.
        confidence: Nominal coverage.
    """
    value = criterion(np.ones(len(parts), bool))
    left_out = np.array([criterion(parts != part) for part in np.unique(parts)])
    return _interval(value, left_out, confidence)


def _interval(value: float, left_out: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Returns a value and the interval that follows from the values without each part."""
    n = len(left_out)
    error = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    reach = float(scipy.stats.t.ppf((1 + confidence) / 2, n - 1) * error)
    return value, value - reach, value + reach


def _criteria(x: np.ndarray, y: np.ndarray, held: list[np.ndarray]) -> dict[str, Criterion]:
    criteria: dict[str, Criterion] = {"tau": lambda stays: pair_sums(x[stays], y[stays]).tau}
    if held:
        together = np.stack([x, y, *held])
        criteria["tau_given"] = lambda stays: residual_tau(together[:, stays])
    return criteria
