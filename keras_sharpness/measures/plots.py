"""Figures of measurements, from arrays."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, GREY, RED = "#4c72b0", "#8c8c8c", "#c44e52"


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
    axes.set(xlabel=f"{label} direction", ylabel="loss")
    return figure


def plane(first: np.ndarray, second: np.ndarray, losses: np.ndarray, labels: tuple[str, str]) -> Figure:
    """Draws the loss over a plane in contours.

    Args:
        first: Multiples of the first direction.
        second: Multiples of the second direction.
        losses: Losses, the first direction along the first axis.
        labels: What the directions are.

    Returns:
        The figure.
    """
    figure, axes = _figure(width=5.6)
    filled = axes.contourf(first, second, losses.T, levels=30, cmap="viridis")
    levels = np.asarray(filled.levels)[::3]
    axes.contour(first, second, losses.T, levels=levels, colors="white", linewidths=0.4)
    axes.plot(0, 0, marker="+", color="white", markersize=10)
    axes.set(xlabel=f"{labels[0]} direction", ylabel=f"{labels[1]} direction")
    figure.colorbar(filled, label="loss")
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
    # A dollar would begin a formula.
    axes.barh([name.replace("$", r"\$") for name in names], values, color=BLUE)
    axes.invert_yaxis()
    axes.set(xlabel=label)
    return figure


def _figure(width: float = 6.0, height: float = 4.0) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
