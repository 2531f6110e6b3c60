"""The paper's Figure 1: test loss against sharpness, a point per model."""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.markers import MarkerStyle

from keras_sharpness.reporting.axes import UNITS, Limits, choose_axis, finish_axis, loss_unit, with_radius, within
from keras_sharpness.reporting.drawing import BAR_COLOUR, DOTS_PER_INCH, POINT_COLOUR, TEXT_COLOUR, marker, plain
from keras_sharpness.reporting.wording import describe, typeset
from keras_sharpness.statistics import Kendall

# Beyond this many models error bars merge into a band that hides the points.
MOST_ERROR_BARS = 300


def scatter(
    models: pd.DataFrame,
    kendall: Kendall | None,
    *,
    title: str,
    loss_name: str,
    rho: float,
    sharpness_name: str = "Adaptive worst-case sharpness",
) -> Figure:
    """Draws test loss against sharpness, a point per model, with tau in a line under the title.

    The axes are those of `choose_axis`. Models outside them are triangles on the edge, and a note counts them.
    Horizontal bars are one standard error of the sharpness over its batches; they are left out for more than 300
    models. Models with a non-finite value are not drawn.

    Args:
        models: A row per model with columns `sharpness`, `test_loss` and `sharpness_standard_error`.
        kendall: The pool's rank correlation; None if it is undefined.
        title: What was measured, such as "LeNet-5 on FashionMNIST".
        loss_name: "cross-entropy" (in nats), "mean squared error" or another loss, without a unit.
        rho: Radius of the ball.
        sharpness_name: What the horizontal axis shows.

    Returns:
        The figure, 6 x 4 inches at 200 dots per inch. It belongs to no window and no global state.
    """
    finite = models.loc[np.isfinite(models["sharpness"]) & np.isfinite(models["test_loss"])]
    figure = Figure(figsize=(6.0, 4.0), dpi=DOTS_PER_INCH, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
    axes = figure.add_subplot()
    num_far = _draw_points(axes, finite)
    finish_axis(axes.xaxis, with_radius(sharpness_name, rho), UNITS.get(loss_name, ""))
    finish_axis(axes.yaxis, f"Test {loss_name}", loss_unit(loss_name))
    axes.spines[["top", "right"]].set_visible(False)
    _write_header(axes, title, [typeset(describe(kendall)), *_far_note(num_far)])
    return figure


def bar_lengths(models: pd.DataFrame) -> np.ndarray:
    """Returns the half length of each model's error bar, zero for none."""
    if len(models) > MOST_ERROR_BARS:
        return np.zeros(len(models))
    return np.nan_to_num(models["sharpness_standard_error"].to_numpy(dtype=float), posinf=0)


def _draw_points(axes: Axes, models: pd.DataFrame) -> int:
    """Returns how many of the models, which are all drawn, lie outside the axes."""
    x, y = (models[name].to_numpy(dtype=float) for name in ("sharpness", "test_loss"))
    error = bar_lengths(models)
    limits = _set_axis(axes, "x", x, error), _set_axis(axes, "y", y, 0 * y)
    inside = within(x, limits[0]) & within(y, limits[1])
    bars = inside & (error > 0)
    axes.errorbar(x[bars], y[bars], xerr=error[bars], fmt="none", ecolor=BAR_COLOUR, elinewidth=0.8, zorder=1)
    size, alpha = marker(len(x))
    axes.scatter(x[inside], y[inside], s=size, alpha=alpha, color=POINT_COLOUR, linewidths=0, zorder=2)
    _draw_far_points(axes, (x[~inside], y[~inside]), limits)
    return int((~inside).sum())


def _set_axis(axes: Axes, name: str, values: np.ndarray, error: np.ndarray) -> Limits:
    scale, limits = choose_axis(values, error)
    getattr(axes, f"set_{name}scale")(scale)
    getattr(axes, f"set_{name}lim")(*limits)
    return limits


def _draw_far_points(axes: Axes, places: tuple[np.ndarray, np.ndarray], limits: tuple[Limits, Limits]) -> None:
    """Draws triangles on the edge that point to where models are; those of one direction at once."""
    x, y = (np.clip(values, *limit) for values, limit in zip(places, limits, strict=True))
    right, up = (_sides(values, limit) for values, limit in zip(places, limits, strict=True))
    for direction in sorted({*zip(right.tolist(), up.tolist(), strict=True)}):
        these = (right == direction[0]) & (up == direction[1])
        # The marker points up and is turned counter-clockwise.
        marker = MarkerStyle("^").rotated(deg=math.degrees(math.atan2(*reversed(direction))) - 90)
        axes.scatter(x[these], y[these], marker=marker, s=70, color=POINT_COLOUR, linewidths=0, clip_on=False, zorder=3)


def _sides(values: np.ndarray, limits: Limits) -> np.ndarray:
    return (values > limits[1]).astype(int) - (values < limits[0])


def _far_note(num_far: int) -> list[str]:
    return [f"▲ {num_far} {'model' if num_far == 1 else 'models'} outside the axes"] if num_far else []


def _write_header(axes: Axes, title: str, lines: list[str]) -> None:
    offset, line_height = 10, 18
    style: dict[str, Any] = {
        "xycoords": "axes fraction",
        "textcoords": "offset points",
        "va": "bottom",
        "color": TEXT_COLOUR,
    }
    for place, line in enumerate(reversed(lines)):
        axes.annotate(line, (0, 1), (0, offset + place * line_height), fontsize=13, **style)
    pad = offset + len(lines) * line_height + 2
    axes.set_title(plain(title), loc="left", pad=pad, fontsize=_title_size(title), fontweight="bold", color=TEXT_COLOUR)


def _title_size(title: str) -> float:
    # A bold character is about 0.65 of its size wide, and some 370 points are free.
    return min(15.0, 370 / (0.65 * max(len(title), 1)))
