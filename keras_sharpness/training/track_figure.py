"""Figure of curvature along a training."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, GREEN, GREY, RED = "#4c72b0", "#55a868", "#8c8c8c", "#c44e52"
EIGENVALUES = {"eigenvalue": "Hessian", "preconditioned": "preconditioned Hessian"}


def track_figure(table: pd.DataFrame) -> Figure:
    """Draws loss, largest eigenvalue, critical sharpness and worst-case sharpness along the steps of training.

    Args:
        table: Rows of a `SharpnessTracker`.

    Returns:
        The figure: one panel below the other, those of quantities that were measured.
    """
    panels = [name for name in ("loss", "curvature", "critical", "worst_case") if _measured(table, name)]
    figure = Figure(figsize=(6.4, 2.0 * len(panels) + 0.6), layout="constrained")
    all_axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for name, axes in zip(panels, all_axes, strict=True):
        axes.spines[["top", "right"]].set_visible(False)
        _PANELS[name](axes, table)
    all_axes[-1].set_xlabel("step")
    return figure


def _measured(table: pd.DataFrame, name: str) -> bool:
    columns = list(EIGENVALUES) if name == "curvature" else [name]
    return any(column in table and table[column].notna().any() for column in columns)


def _loss(axes: Axes, table: pd.DataFrame) -> None:
    axes.plot(table["step"], table["loss"], color=BLUE)
    axes.set(ylabel="loss", yscale="log" if (table["loss"].dropna() > 0).all() else "linear")


def _curvature(axes: Axes, table: pd.DataFrame) -> None:
    """The threshold belongs to the preconditioned matrix where there is one."""
    name = "preconditioned" if _measured(table, "preconditioned") else "eigenvalue"
    axes.plot(table["step"], table[name], color=BLUE, label=f"largest eigenvalue, {EIGENVALUES[name]}")
    axes.plot(table["step"], table["threshold"], color=RED, linestyle="--", label="stability")
    axes.set_ylabel("curvature")
    axes.legend(frameon=False, fontsize="small")


def _critical(axes: Axes, table: pd.DataFrame) -> None:
    axes.plot(table["step"], table["critical"], color=GREEN, label="along the next update")
    axes.plot(table["step"], table["two_over_rate"], color=RED, linestyle="--", label="2 / learning rate")
    axes.set(ylabel="critical sharpness", yscale="log")
    axes.legend(frameon=False, fontsize="small")


def _worst_case(axes: Axes, table: pd.DataFrame) -> None:
    axes.plot(table["step"], table["worst_case"], color=GREY)
    axes.set_ylabel("worst-case sharpness")


_PANELS = {"loss": _loss, "curvature": _curvature, "critical": _critical, "worst_case": _worst_case}
