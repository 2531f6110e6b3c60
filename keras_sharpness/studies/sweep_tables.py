"""What a sweep says: tau at each setting, the order in rho, and which settings differ. Needs no backend."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import (
    LogLogSlope,
    compare_paired_taus,
    compare_settings,
    kendall,
    log_log_slope,
    permutation_p_values,
)
from keras_sharpness.studies.summary import summarize

# Above, the pairs of models of all settings do not fit the memory.
MOST_PERMUTED = 1000
# Of a rho + b rho^2 the slope is 3/2 where both terms are equal.
EQUAL_TERMS = 1.5
NAN = float("nan")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Swept:
    """The numbers of a sweep.

    Attributes:
        rhos: Radii.
        ms: Batch sizes; "full": one batch of the whole training set.
        sharpness: Shape (num_models, num_rhos, num_ms).
        gradient_norms: Means over the batches, shape (num_models, num_ms).
        test_losses: Shape (num_models,).
    """

    rhos: Sequence[float]
    ms: Sequence[int | str]
    sharpness: np.ndarray
    gradient_norms: np.ndarray
    test_losses: np.ndarray

    @property
    def finite(self) -> "Swept":
        """The same of the models whose numbers are all finite."""
        numbers = (self.sharpness.reshape(len(self.test_losses), -1), self.gradient_norms, self.test_losses[:, None])
        keep = np.isfinite(np.concatenate(numbers, axis=1)).all(axis=1)
        kept = {name: getattr(self, name)[keep] for name in ("sharpness", "gradient_norms", "test_losses")}
        return dataclasses.replace(self, **kept)


def per_setting(swept: Swept) -> pd.DataFrame:
    """Returns a row for each radius and batch size.

    Args:
        swept: The numbers.

    Returns:
        rho, m, mean_sharpness, tau, tau_ci_low, tau_ci_high, num_models; p_value and p_corrected of a permutation test
        of tau = 0, the second for all settings at once; first_order, the mean over models of sharpness over rho times
        the gradient norm; slope, of log mean sharpness against log rho from this radius to the next larger;
        tau_beyond_gradient, its tau less that of the gradient norm on the same batches, and the paired interval.
    """
    rows, finite = [], swept.finite
    for (i, rho), (j, m) in itertools.product(enumerate(swept.rhos), enumerate(swept.ms)):
        values = pd.DataFrame({"sharpness": swept.sharpness[:, i, j], "test_loss": swept.test_losses})
        found = summarize(values)
        mean = values["sharpness"][np.isfinite(values["sharpness"])].mean()
        names = ("tau", "tau_ci_low", "tau_ci_high", "num_models")
        row = {"rho": rho, "m": m, "mean_sharpness": mean} | {name: found[name] for name in names}
        rows.append(row | _beyond_gradient(finite, i, j))
    p_values = _try(lambda: _permuted(finite), (NAN, NAN))
    columns = dict(zip(("p_value", "p_corrected"), p_values, strict=True))
    orders = {"first_order": _first_order(finite).ravel(), "slope": _slopes(finite).ravel()}
    return pd.DataFrame(rows).assign(**columns, **orders)


def per_batch_size(swept: Swept) -> pd.DataFrame:
    """Returns a row for each batch size: the order in rho, and the gradient norm as a measure of its own.

    Args:
        swept: The numbers.

    Returns:
        m; slope, slope_ci_low, slope_ci_high, over all radii; second_order_from, the first radius from which the slope
        to the next is at least 3/2, where terms of first and second order are equal (missing: nowhere);
        tau_gradient_norm, of gradient norm and test loss, and its interval.
    """
    finite = swept.finite
    return pd.DataFrame([_labelled(m, _order(finite, j) | _gradient(finite, j)) for j, m in enumerate(swept.ms)])


def _labelled(m: int | str, numbers: dict[str, float]) -> dict[str, Any]:
    return {"m": m, **numbers}


def pairs(swept: Swept) -> pd.DataFrame:
    """Returns a row for each pair of settings: by how much their taus differ, on the same networks.

    Args:
        swept: The numbers.

    Returns:
        first_rho, first_m, second_rho, second_m and the columns of `statistics.compare_settings`; no row for fewer
        than 15 models or a single setting.
    """
    finite = swept.finite
    settings = [*itertools.product(swept.rhos, swept.ms)]
    table = _try(lambda: compare_settings(_rows(finite), finite.test_losses), None)
    if table is None:
        return pd.DataFrame(columns=["first_rho", "first_m", "second_rho", "second_m", "difference", "p_corrected"])
    first, second = ([settings[k] for k in table.pop(name)] for name in ("first", "second"))
    named = {"first_rho": [s[0] for s in first], "first_m": [s[1] for s in first]}
    named |= {"second_rho": [s[0] for s in second], "second_m": [s[1] for s in second]}
    return pd.concat([pd.DataFrame(named), table], axis=1)


def _rows(swept: Swept) -> np.ndarray:
    """Returns a row for each setting, shape (num_settings, num_models)."""
    return swept.sharpness.reshape(len(swept.test_losses), -1).T


def _permuted(swept: Swept) -> tuple[Any, Any]:
    if len(swept.test_losses) > MOST_PERMUTED:
        return NAN, NAN
    return permutation_p_values(_rows(swept), swept.test_losses)


def _first_order(swept: Swept) -> np.ndarray:
    """Returns the mean ratio of sharpness and its first order, shape (num_rhos, num_ms)."""
    if not len(swept.test_losses):
        return np.full(swept.sharpness.shape[1:], NAN)
    with np.errstate(divide="ignore", invalid="ignore"):
        linear = np.array(swept.rhos)[:, None] * swept.gradient_norms[:, None]
        return np.asarray((swept.sharpness / linear).mean(axis=0))


def _slopes(swept: Swept) -> np.ndarray:
    """Returns the slope from each radius to the next larger, shape (num_rhos, num_ms)."""
    slopes, order = np.full(swept.sharpness.shape[1:], NAN), np.argsort(swept.rhos)
    for j in range(len(swept.ms)):
        found = _line(swept, j)
        if found is not None:
            slopes[order[:-1], j] = found.local_slopes
    return slopes


def _line(swept: Swept, j: int) -> LogLogSlope | None:
    line: LogLogSlope | None = _try(lambda: log_log_slope(swept.rhos, swept.sharpness[:, :, j].T), None)
    return line


def _order(swept: Swept, j: int) -> dict[str, float]:
    found = _line(swept, j)
    if found is None:
        return dict.fromkeys(("slope", "slope_ci_low", "slope_ci_high", "second_order_from"), NAN)
    steep = [rho for rho, slope in zip(sorted(swept.rhos), found.local_slopes, strict=False) if slope >= EQUAL_TERMS]
    ends = {"slope_ci_low": found.ci_low, "slope_ci_high": found.ci_high}
    return {"slope": found.slope, **ends, "second_order_from": min(steep, default=NAN)}


def _gradient(swept: Swept, j: int) -> dict[str, float]:
    tau = _try(lambda: kendall(swept.gradient_norms[:, j], swept.test_losses), None)
    return _with_ends("tau_gradient_norm", tau.tau if tau else NAN, tau)


def _beyond_gradient(swept: Swept, i: int, j: int) -> dict[str, float]:
    losses = swept.test_losses
    a, b = (swept.sharpness[:, i, j], losses), (swept.gradient_norms[:, j], losses)
    found = _try(lambda: compare_paired_taus(a, b), None)
    return _with_ends("tau_beyond_gradient", found.difference if found else NAN, found)


def _with_ends(name: str, value: float, interval: Any) -> dict[str, float]:
    low, high = (interval.ci_low, interval.ci_high) if interval else (NAN, NAN)
    return {name: value, f"{name}_ci_low": low, f"{name}_ci_high": high}


def _try(compute: Callable[[], Any], otherwise: Any) -> Any:
    """Returns a statistic, or something else where the pool is too small for it."""
    try:
        return compute()
    except InputError:
        return otherwise
