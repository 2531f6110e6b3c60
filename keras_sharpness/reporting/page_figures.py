"""What the figures of a run's page show, as plain numbers for its script."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from keras_sharpness.reporting.axes import UNITS, axis_label, loss_unit, with_radius
from keras_sharpness.reporting.page_data import (
    AXES,
    HOW_TO_POINT,
    PageFigure,
    axis_column,
    drawn,
    finite_numbers,
    member_texts,
)
from keras_sharpness.reporting.resampling import resampled_tau
from keras_sharpness.reporting.run_folder import RunFolder
from keras_sharpness.reporting.scatter_figure import bar_lengths
from keras_sharpness.statistics import Kendall

MOST_BINS = 50
# Sharpness and what `_losses` yields.
MOST_COLUMNS = 5


def page_figures(run: RunFolder) -> dict[str, PageFigure]:
    """Returns the figures of a run's page.

    Args:
        run: The run.

    Returns:
        By name: "scatter", and of "taus", "sweep" and "ablation" those that the run has numbers for.
    """
    figures = {"scatter": _scatter(run)}
    if run.kendall:
        figures["taus"] = _taus(run, run.kendall)
    if run.sweep is not None:
        figures["sweep"] = _sweep(run.sweep.settings)
    if run.ablation is not None:
        figures["ablation"] = _ablation(run.ablation)
    return figures


def _scatter(run: RunFolder) -> PageFigure:
    models, some = drawn(run.finite, MOST_COLUMNS)
    bars = bar_lengths(models)
    columns = [axis_column(name, label, values, 0 * bars) for name, label, values in _losses(run, models)]
    label = axis_label(with_radius(run.sharpness_name, run.setting("rho")), UNITS[run.loss_name])
    sharpness = axis_column("sharpness", label, models["sharpness"], bars)
    return PageFigure(
        name="Models: one quantity against another",
        caption=f"{' '.join(HOW_TO_POINT.split())}{' Bars are one standard error.' if bars.any() else ''}{some}",
        data={
            "members": member_texts(models, ("seed", "epochs")),
            "columns": [sharpness, *columns],
            "some": bool(some),
        },
        controls=AXES,
    )


def _losses(run: RunFolder, models: pd.DataFrame) -> Iterator[tuple[str, str, pd.Series]]:
    unit = loss_unit(run.loss_name)
    yield "test loss", axis_label(f"Test {run.loss_name}", unit), models["test_loss"]
    if "test_error" in models:
        yield "test error", "Test error rate", pd.to_numeric(models["test_error"], errors="coerce")
    yield "training loss", axis_label(f"Training {run.loss_name}", unit), models["train_loss"]
    gap = models["test_loss"] - models["train_loss"]
    yield "gap", axis_label("Gap: test loss minus training loss", unit), gap


def _taus(run: RunFolder, kendall: Kendall) -> PageFigure:
    name, taus = "Distribution of tau over resampled pools", resampled_tau(run.finite)
    if not taus.size:
        return PageFigure(name=name, caption="The pool is too large to show the distribution of tau here.", data=None)
    if np.isnan(kendall.ci_low):
        return PageFigure(name=name, caption="The pool is too small to show the distribution of tau.", data=None)
    counts, edges = np.histogram(taus, min(MOST_BINS, round(len(taus) ** 0.5)))
    marks = {"this run": kendall.tau} | ({"the paper": run.published.tau} if run.published else {})
    interval = kendall.ci_low, kendall.ci_high
    return PageFigure(
        name=name,
        caption=f"Tau of {len(taus):,} pools, each drawn from the models with replacement. Shaded: the 95 % interval.",
        data={
            "counts": counts.tolist(),
            "edges": edges.tolist(),
            "interval": interval,
            "marks": marks,
            "limits": _padded([*edges, *interval, *marks.values()]),
        },
    )


def _sweep(table: pd.DataFrame) -> PageFigure:
    return PageFigure(
        name="Tau against rho, a line for each m",
        caption="Bars are 95 % intervals; bars of the same rho are drawn side by side.",
        data={
            "rho": (table["rho"].min() / 1.3, table["rho"].max() * 1.3),
            "tau": _tau_limits(table),
            "lines": [{"m": m, "rho": rows["rho"].tolist(), **_tau_values(rows)} for m, rows in _lines(table)],
        },
    )


def _lines(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for m, rows in table.groupby("m", sort=False):
        yield str(m), rows.sort_values("rho")


def _ablation(table: pd.DataFrame) -> PageFigure:
    return PageFigure(
        name="Tau after each step from one protocol to the other",
        caption="Bars are 95 % intervals.",
        data={
            "steps": [f"{row.step} {row.particular}" for row in table.itertuples()],
            "limits": _tau_limits(table),
            **_tau_values(table),
        },
    )


def _tau_values(table: pd.DataFrame) -> dict[str, list[float | None]]:
    return {
        name: finite_numbers(table[column].to_numpy(dtype=float))
        for name, column in (("tau", "tau"), ("low", "tau_ci_low"), ("high", "tau_ci_high"))
    }


def _tau_limits(table: pd.DataFrame) -> tuple[float, float]:
    return _padded([0.0, *table[["tau", "tau_ci_low", "tau_ci_high"]].to_numpy(dtype=float).ravel()])


def _padded(values: list[float]) -> tuple[float, float]:
    low, high = np.nanmin(values), np.nanmax(values)
    margin = 0.05 * (high - low) or 0.05
    return float(low - margin), float(high + margin)
