"""Figures of measurements, from arrays."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

BLUE, GREY, RED = "#4c72b0", "#8c8c8c", "#c44e52"
# Colours of paths, that stand out from contours.
PATHS = ("#ff7f0e", "#e377c2", "#ffffff", "#d62728", "#17becf")


def paths(losses: np.ndarray) -> Figure:
    """Draws loss paths.

    Args:
        losses: Losses along each path, shape (num_batches, num_steps + 1).

    Returns:
        The figure: each batch's rise, and their mean.
    """
    figure, axes = _figure()
    rises = losses - losses[:, :1]
    axes.plot(rises.T, color=BLUE, alpha=0.25, linewidth=0.8)
    axes.plot(rises.mean(axis=0), color=RED, linewidth=2, marker="o", label=f"mean of {len(losses)} batches")
    axes.set(xlabel="ascent step", ylabel="rise of the loss")
    axes.legend(frameon=False)
    return figure


def line(positions: np.ndarray, losses: np.ndarray, label: str) -> Figure:
    """Draws the loss along a line.

    Args:
        positions: Multiples of the direction.
        losses: Loss at each.
        label: What the direction is.

    Returns:
        The figure.
    """
    figure, axes = _figure()
    axes.plot(positions, losses, color=BLUE)
    axes.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(xlabel=_direction(label), ylabel="loss")
    return figure


def barrier(table: pd.DataFrame, top: int, names: tuple[str, str], text: str) -> Figure:
    """Draws the loss between two models, and how far it rises above the mean of the two.

    Args:
        table: Columns position, loss, and standard_error of the rise; the models are the first and the last row.
        top: Row of the highest loss.
        names: Names of the models.
        text: What is written above.

    Returns:
        The figure.
    """
    figure, axes = _figure()
    position, loss, error = (table[name].to_numpy() for name in ("position", "loss", "standard_error"))
    axes.fill_between(position, loss - np.nan_to_num(error), loss + np.nan_to_num(error), color=BLUE, alpha=0.2, lw=0)
    axes.plot(position, loss, color=BLUE)
    axes.plot(position[[0, -1]], loss[[0, -1]], "o", color=BLUE)
    base = (loss[0] + loss[-1]) / 2
    axes.axhline(base, color=GREY, linewidth=0.8, linestyle=":")
    arrow = {"arrowstyle": "<->", "color": RED, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (position[top], loss[top]), (position[top], base), arrowprops=arrow)
    axes.set_title(text, color=RED, fontsize="medium")
    axes.set(xlabel=f"from {_plain(names[0])} to {_plain(names[1])}", ylabel="loss")
    return figure


def plane(
    first: np.ndarray,
    second: np.ndarray,
    losses: np.ndarray,
    labels: tuple[str, str],
    places: Mapping[str, np.ndarray] | None = None,
) -> Figure:
    """Draws the loss over a plane in contours.

    Args:
        first: Multiples of the first direction.
        second: Multiples of the second direction.
        losses: Losses, the first direction along the first axis.
        labels: What the directions are.
        places: Coordinates of the paths on it, by name, shape (n, 2) each; a single point is drawn as a mark.

    Returns:
        The figure.
    """
    figure, axes = _figure(width=5.6)
    levels, norm = _levels(losses)
    extend = "neither" if np.isfinite(losses).all() else "max"
    filled = axes.contourf(first, second, losses.T, levels=levels, cmap="viridis", norm=norm, extend=extend)
    axes.contour(first, second, losses.T, levels=levels[::3], colors="white", linewidths=0.4)
    axes.plot(0, 0, marker="+", color="white", markersize=10)
    for (name, points), colour in zip((places or {}).items(), itertools.cycle(PATHS)):
        _draw_path(axes, name, points, colour)
    if places:
        figure.legend(loc="outside upper left", frameon=False, fontsize="small")
    axes.set(xlabel=_direction(labels[0]), ylabel=_direction(labels[1]))
    figure.colorbar(filled, label="loss", format="%.3g", ticks=levels[::5])
    return figure


def spectral_density(grid: np.ndarray, density: np.ndarray, standard_error: np.ndarray) -> Figure:
    """Draws a spectral density on a logarithmic scale.

    Args:
        grid: Points.
        density: Density at each.
        standard_error: Its standard error; NaN where unknown.

    Returns:
        The figure.
    """
    figure, axes = _figure()
    floor = density.max() * 1e-6
    axes.fill_between(
        grid,
        np.maximum(density - np.nan_to_num(standard_error), floor),
        np.maximum(density + np.nan_to_num(standard_error), floor),
        color=BLUE,
        alpha=0.3,
        linewidth=0,
    )
    axes.plot(grid, np.maximum(density, floor), color=BLUE)
    axes.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(yscale="log", xlabel="eigenvalue of the Hessian", ylabel="density", ylim=(floor, None))
    return figure


def sharpness_against_rho(table: pd.DataFrame) -> Figure:
    """Draws sharpness against the radius, a line for each batch size.

    Args:
        table: Columns rho, m, sharpness, standard_error.

    Returns:
        The figure.
    """
    figure, axes = _figure()
    for m, rows in table.groupby("m"):
        # A single batch has no standard error.
        errors = rows["standard_error"].fillna(0)
        axes.errorbar(rows["rho"], rows["sharpness"], errors, marker="o", capsize=3, label=f"m = {m}")
    positive = (table["sharpness"] > 0).all() and (table["rho"] > 0).all()
    axes.set(xlabel="rho", ylabel="sharpness", **({"xscale": "log", "yscale": "log"} if positive else {}))
    axes.legend(frameon=False)
    return figure


def bars(names: list[str], values: np.ndarray, label: str) -> Figure:
    """Draws a number for each name.

    Args:
        names: Names, from top to bottom.
        values: Numbers.
        label: What they are.

    Returns:
        The figure.
    """
    figure, axes = _figure(height=1 + 0.35 * len(names))
    axes.barh([_plain(name) for name in names], values, color=BLUE)
    axes.invert_yaxis()
    axes.set(xlabel=label)
    return figure


def _figure(width: float = 6.0, height: float = 4.0) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _draw_path(axes: Axes, name: str, points: np.ndarray, colour: str) -> None:
    """Draws a path that begins at a square, or a single point."""
    edge: dict[str, Any] = {"color": colour, "markeredgecolor": "black", "markeredgewidth": 0.4}
    if len(points) == 1:
        axes.plot(*points.T, marker="o", markersize=8, linestyle="none", label=_plain(name), **edge)
        return
    axes.plot(*points.T, marker="o", markersize=3.5, linewidth=1, label=_plain(name), **edge)
    axes.plot(*points[0], marker="s", markersize=7, **edge)


def _levels(losses: np.ndarray) -> tuple[np.ndarray, LogNorm | None]:
    """Returns 31 levels of contours, in equal ratios where losses differ by more than a factor of ten, and the norm."""
    low, high = np.nanmin(losses), np.nanmax(losses[np.isfinite(losses)], initial=np.nanmin(losses))
    if low > 0 and high > 10 * low:
        return np.geomspace(low, high, 31), LogNorm(low, high)
    return np.linspace(low, high if high > low else low + 1, 31), None


def _direction(label: str) -> str:
    """Returns the name of an axis: labels of one word are kinds of directions."""
    return _plain(label) if " " in label else f"{_plain(label)} direction"


def _plain(text: str) -> str:
    # A dollar would begin a formula.
    return text.replace("$", r"\$")
