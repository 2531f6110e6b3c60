"""Tables of a sweep: tau at each radius and batch size, the order in rho, and which settings differ."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.reporting.run_folder import SweepTables
from keras_sharpness.reporting.section import TAU_HEAD, Section, tau_cells
from keras_sharpness.reporting.wording import interval, number, p_value, quantity

LEVEL = 0.05
SETTINGS = """The slope is that of log mean sharpness against log rho, from this radius to the next: 1 where sharpness
is of first order in rho (rho times a gradient norm), 2 where it is curvature."""
CORRECTED = """The p-values are those of a permutation test of tau = 0, corrected for all settings at once. The ratio
to first order is sharpness over rho times the gradient norm on the same batches, a mean over models. The last column is
the tau of sharpness less that of this gradient norm."""
ORDER = """At a slope of 1.5, terms of first and second order would be equal. Slopes below 1 are those of ascents that
end inside the ball or meet a loss that flattens. Intervals are over models."""
PAIRS = """Taus of one pool at several settings vary together. The intervals are a jackknife over the networks, each for
its own pair. The p-value is corrected for all {count} pairs of the sweep. Of these, {differ} differ at 5 %. Shown are
the smallest and the largest radius of each batch size, and all pairs of batch sizes at the radius nearest the run's."""


def sweep_sections(sweep: SweepTables, rho: float) -> Iterator[Section]:
    """Yields the tables.

    Args:
        sweep: What the sweep's files hold.
        rho: The run's radius.

    Yields:
        Tau at each setting; the order in rho of each batch size; pairs of settings.
    """
    yield _settings(sweep.settings)
    if sweep.batch_sizes is not None:
        yield _orders(sweep.batch_sizes, sweep.settings["rho"].max())
    if sweep.pairs is not None:
        yield _pairs(sweep.pairs, rho)


def _settings(table: pd.DataFrame) -> Section:
    head, note = ["rho", "m", "mean sharpness", *TAU_HEAD, "slope"], SETTINGS
    cells = [
        [f"{row.rho:g}", str(row.m), quantity(row.mean_sharpness), *tau_cells(row), _slope(slope)]
        for row, slope in zip(table.itertuples(), _slopes(table), strict=True)
    ]
    if "p_corrected" in table:
        head, note = [*head, "p, corrected", "ratio to first order", "beyond gradient norm"], f"{SETTINGS} {CORRECTED}"
        cells = [[*line, *_more(row)] for line, row in zip(cells, table.itertuples(), strict=True)]
    return Section(heading="Tau against rho and m", rows=[head, *cells], figure="sweep", note=" ".join(note.split()))


def _more(row: Any) -> tuple[str, ...]:
    ends = interval(row.tau_beyond_gradient_ci_low, row.tau_beyond_gradient_ci_high)
    return p_value(row.p_corrected), quantity(row.first_order), f"{number(row.tau_beyond_gradient)} {ends}"


def _slopes(table: pd.DataFrame) -> np.ndarray:
    """Returns the slope from each row's radius to the next of its batch size; NaN for the last."""
    slopes = pd.Series(np.nan, index=table.index)
    for _, rows in table.groupby("m", sort=False):
        ordered = rows.sort_values("rho")
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.diff(np.log(ordered["mean_sharpness"])) / np.diff(np.log(ordered["rho"]))
        slopes.loc[ordered.index[:-1]] = steps
    return slopes.to_numpy()


def _slope(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else ""


def _orders(table: pd.DataFrame, largest: float) -> Section:
    head = ("m", "slope over all radii", "95 % interval", "second order from", "tau of gradient norm", "95 % interval")
    rows = [
        (
            str(row.m),
            number(row.slope),
            interval(row.slope_ci_low, row.slope_ci_high),
            f"not up to {largest:g}" if math.isnan(row.second_order_from) else f"{row.second_order_from:g}",
            number(row.tau_gradient_norm),
            interval(row.tau_gradient_norm_ci_low, row.tau_gradient_norm_ci_high),
        )
        for row in table.itertuples()
    ]
    return Section(heading="Order in rho", rows=[head, *rows], note=" ".join(ORDER.split()))


def _pairs(table: pd.DataFrame, rho: float) -> Section:
    shown = table[_ends(table) | _own(table, rho)]
    head = ("setting", "less setting", "difference of tau", "95 % interval", "p, corrected")
    rows = [
        (
            f"rho {row.first_rho:g}, m {row.first_m}",
            f"rho {row.second_rho:g}, m {row.second_m}",
            number(row.difference),
            interval(row.ci_low, row.ci_high),
            p_value(row.p_corrected),
        )
        for row in shown.itertuples()
    ]
    note = PAIRS.format(count=len(table), differ=int((table["p_corrected"] < LEVEL).sum()))
    return Section(heading="Differences between settings", rows=[head, *rows], note=" ".join(note.split()))


def _ends(table: pd.DataFrame) -> pd.Series:
    rhos = table[["first_rho", "second_rho"]]
    ends = (rhos.min(axis=1) == rhos.min(axis=None)) & (rhos.max(axis=1) == rhos.max(axis=None))
    return ends & (table["first_m"] == table["second_m"])


def _own(table: pd.DataFrame, rho: float) -> pd.Series:
    rhos = np.unique(table[["first_rho", "second_rho"]])
    nearest = rhos[np.abs(np.log(rhos / rho)).argmin()] if rho > 0 else rhos[0]
    return (table["first_rho"] == nearest) & (table["second_rho"] == nearest)
