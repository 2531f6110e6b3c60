"""What the figures of a run's page show, as plain numbers for its script."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.reporting.axes import UNITS, axis_label, choose_axis, loss_unit, with_radius
from keras_sharpness.reporting.resampling import resampled_tau
from keras_sharpness.reporting.run_folder import RunFolder
from keras_sharpness.reporting.scatter_figure import bar_lengths
from keras_sharpness.statistics import Kendall

MOST_BINS = 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class PageFigure:
    """A figure that the page's script draws.

    Attributes:
        name: What it shows, for screen readers.
        caption: How to read it, or why it is missing.
        data: What the script draws, fit for JSON; None if it is missing.
    """

    name: str
    caption: str
    data: dict[str, Any] | None


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
    models = run.finite
    bars = bar_lengths(models)
    columns = [_column(name, label, values, 0 * bars) for name, label, values in _losses(run)]
    label = axis_label(with_radius(run.sharpness_name, run.setting("rho")), UNITS[run.loss_name])
    sharpness = _column("sharpness", label, models["sharpness"], bars)
    return PageFigure(
        name="Models: one quantity against another",
        caption=(
            "A point per model. Drag a rectangle to select models. A click or Enter selects a model or removes it from "
            "the selection, arrow keys go to the next model, Escape clears the selection. Triangles are models outside "
            "the axes."
            f"{' Bars are one standard error.' if bars.any() else ''}"
        ),
        data={"members": _members(models), "columns": [sharpness, *columns]},
    )


def _losses(run: RunFolder) -> Iterator[tuple[str, str, pd.Series]]:
    models, unit = run.finite, loss_unit(run.loss_name)
    yield "test loss", axis_label(f"Test {run.loss_name}", unit), models["test_loss"]
    if "test_error" in models:
        yield "test error", "Test error rate", pd.to_numeric(models["test_error"], errors="coerce")
    yield "training loss", axis_label(f"Training {run.loss_name}", unit), models["train_loss"]
    gap = models["test_loss"] - models["train_loss"]
    yield "gap", axis_label("Gap: test loss minus training loss", unit), gap


def _column(name: str, label: str, values: pd.Series, bars: np.ndarray) -> dict[str, Any]:
    numbers = values.to_numpy(dtype=float)
    finite = np.isfinite(numbers)
    scale, limits = choose_axis(numbers[finite], bars[finite])
    return {
        "name": name,
        "label": label,
        "scale": scale,
        "limits": limits,
        "values": _numbers(numbers),
        "bars": bars.tolist() if bars.any() else None,
    }


def _members(models: pd.DataFrame) -> dict[str, list[str]]:
    index = models["index"] if "index" in models else models.index.to_series()
    # Text, as JavaScript would round a seed of 64 bits.
    texts = {"model": index, **{name: models[name] for name in ("seed", "epochs") if name in models}}
    return {name: column.astype(str).tolist() for name, column in texts.items()}


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
        name: _numbers(table[column].to_numpy(dtype=float))
        for name, column in (("tau", "tau"), ("low", "tau_ci_low"), ("high", "tau_ci_high"))
    }


def _tau_limits(table: pd.DataFrame) -> tuple[float, float]:
    return _padded([0.0, *table[["tau", "tau_ci_low", "tau_ci_high"]].to_numpy(dtype=float).ravel()])


def _padded(values: list[float]) -> tuple[float, float]:
    low, high = np.nanmin(values), np.nanmax(values)
    margin = 0.05 * (high - low) or 0.05
    return float(low - margin), float(high + margin)


def _numbers(values: np.ndarray) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]
