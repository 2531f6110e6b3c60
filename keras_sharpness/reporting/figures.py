"""The paper's Figure 1: test loss against sharpness, a point per model."""

import io
import math
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.markers import MarkerStyle
from matplotlib.ticker import MaxNLocator

from keras_sharpness.statistics import Kendall

SIZE_INCHES, DOTS_PER_INCH = (6.0, 4.0), 200
# Blue of Okabe and Ito's palette: told apart from black and grey with any colour vision, and in print.
POINT_COLOUR, BAR_COLOUR, TEXT_COLOUR = "#0072B2", "#8FBCD8", "#333333"
UNITS = {"cross-entropy": "nats", "mean squared error": "MSE"}
Limits: TypeAlias = tuple[float, float]
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

    The axes show all models unless a few lie far off. An axis is logarithmic if its values are positive and the middle
    80 % of them span more than a factor of 20. Models farther from the middle half than six times its width (on a
    logarithmic axis, of the logarithms) are off the axes if showing them would squeeze all others into less than a
    third: they are drawn as triangles on the edge that they lie beyond, and a note says how many. Horizontal bars are
    one standard error of the sharpness over its batches; they are left out for more than 300 models. Models with a
    non-finite value are not drawn.

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
    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
    axes = figure.add_subplot()
    num_far = _draw_points(axes, finite)
    unit = UNITS.get(loss_name, "")
    finish_axis(axes.xaxis, with_radius(sharpness_name, rho), unit)
    finish_axis(axes.yaxis, f"Test {loss_name}", unit if unit == "nats" else "")
    axes.spines[["top", "right"]].set_visible(False)
    _write_header(axes, title, [describe(kendall), *_far_note(num_far)])
    return figure


def png(figure: Figure) -> bytes:
    """Returns a figure as the content of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def describe(kendall: Kendall | None) -> str:
    """Returns the correlation in a line: "τ = −0.185 [−0.360, 0.002], p = 0.058, M = 50"."""
    if kendall is None:
        return "τ is undefined"
    low, high = _signed(kendall.ci_low), _signed(kendall.ci_high)
    interval = "" if np.isnan(kendall.ci_low) else f" [{low}, {high}]"
    return f"τ = {_signed(kendall.tau)}{interval}, {p_value_text(kendall.p_value)}, M = {kendall.num_models}"


def p_value_text(p_value: float) -> str:
    """Returns "p = 0.058", or "p < 0.0001" where more digits say nothing."""
    return "p < 0.0001" if p_value < 1e-4 else f"p = {p_value:.2g}"


def choose_axis(values: np.ndarray, error: np.ndarray) -> tuple[str, Limits]:
    """Chooses an axis as `scatter` describes it.

    Args:
        values: What is to be drawn along it, finite.
        error: Half lengths of their bars.

    Returns:
        "linear" or "log", and both ends.
    """
    if not _spans_magnitudes(values):
        return "linear", _limits(values, error)
    low, high = _limits(np.log10(values), 0 * error)
    return "log", (10**low, 10**high)


def bar_lengths(models: pd.DataFrame) -> np.ndarray:
    """Returns the half length of each model's error bar, zero for none."""
    if len(models) > MOST_ERROR_BARS:
        return np.zeros(len(models))
    return np.nan_to_num(models["sharpness_standard_error"].to_numpy(dtype=float), posinf=0)


def with_radius(sharpness_name: str, rho: float) -> str:
    """Returns the name of a sharpness with the radius of its ball."""
    return f"{sharpness_name}, ρ = {rho:g}"


def axis_label(name: str, unit: str) -> str:
    """Returns the name with its unit, if it has one, in brackets."""
    return f"{name} ({unit})" if unit else name


def _draw_points(axes: Axes, models: pd.DataFrame) -> int:
    """Returns how many of the models, all of them drawn, lie beyond the axes."""
    x, y = (models[name].to_numpy(dtype=float) for name in ("sharpness", "test_loss"))
    error = bar_lengths(models)
    limits = _set_axis(axes, "x", x, error), _set_axis(axes, "y", y, 0 * y)
    inside = _within(x, limits[0]) & _within(y, limits[1])
    bars = inside & (error > 0)
    axes.errorbar(x[bars], y[bars], xerr=error[bars], fmt="none", ecolor=BAR_COLOUR, elinewidth=0.8, zorder=1)
    size, alpha = marker(len(x))
    axes.scatter(x[inside], y[inside], s=size, alpha=alpha, color=POINT_COLOUR, linewidths=0, zorder=2)
    for place in zip(x[~inside], y[~inside], strict=True):
        _draw_far_point(axes, place, limits)
    return int((~inside).sum())


def marker(num_models: int) -> tuple[float, float]:
    """Returns area in square points and opacity: the more models, the smaller and fainter."""
    many = max(num_models, 1)
    return float(np.clip(1500 / many, 5, 32)), float(np.clip(25 / many**0.5, 0.3, 0.85))


def _set_axis(axes: Axes, name: str, values: np.ndarray, error: np.ndarray) -> Limits:
    scale, limits = choose_axis(values, error)
    getattr(axes, f"set_{name}scale")(scale)
    getattr(axes, f"set_{name}lim")(*limits)
    return limits


def _spans_magnitudes(values: np.ndarray) -> bool:
    if not values.size or values.min() <= 0:
        return False
    low, high = np.quantile(values, [0.1, 0.9])
    return bool(high / low > 20)


def _limits(values: np.ndarray, error: np.ndarray) -> Limits:
    if not values.size:
        return 0.0, 1.0
    shown = _not_far(values)
    low, high = float((values - error)[shown].min()), float((values + error)[shown].max())
    margin = 0.05 * (high - low) or 0.05 * abs(low) or 1.0
    return low - margin, high + margin


def _not_far(values: np.ndarray) -> np.ndarray:
    low, high = np.quantile(values, [0.25, 0.75])
    fence = 6 * (high - low)
    near = _within(values, (low - fence, high + fence))
    return near if np.ptp(values) > 3 * np.ptp(values[near]) > 0 else np.full(len(values), True)


def _within(values: np.ndarray, limits: Limits) -> np.ndarray:
    return (values >= limits[0]) & (values <= limits[1])


def _draw_far_point(axes: Axes, place: tuple[float, float], limits: tuple[Limits, Limits]) -> None:
    x, y = (np.clip(value, *limit) for value, limit in zip(place, limits, strict=True))
    right, up = (_side(value, limit) for value, limit in zip(place, limits, strict=True))
    # The marker points up and is turned counter-clockwise.
    marker = MarkerStyle("^").rotated(deg=math.degrees(math.atan2(up, right)) - 90)
    axes.scatter(x, y, marker=marker, s=70, color=POINT_COLOUR, linewidths=0, clip_on=False, zorder=3)


def _far_note(num_far: int) -> list[str]:
    return [f"▲ {num_far} {'model' if num_far == 1 else 'models'} beyond the axes"] if num_far else []


def _side(value: float, limits: Limits) -> int:
    return int(value > limits[1]) - int(value < limits[0])


def _signed(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


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
    axes.set_title(title, loc="left", pad=pad, fontsize=_title_size(title), fontweight="bold", color=TEXT_COLOUR)


def _title_size(title: str) -> float:
    # A bold character is about 0.65 of its size wide, and some 370 points are free.
    return min(15.0, 370 / (0.65 * max(len(title), 1)))


def finish_axis(axis: Axis, name: str, unit: str) -> None:
    """Names an axis and gives it few and round ticks, with their power of ten in the name."""
    axis.set_tick_params(labelsize=12, labelcolor=TEXT_COLOUR)
    power = _round_ticks(axis) if axis.get_scale() == "linear" else ""
    axis.set_label_text(axis_label(name, f"{power} {unit}".strip()), fontsize=13, color=TEXT_COLOUR)


def _round_ticks(axis: Axis) -> str:
    """Returns the power of ten, for the label, that the axis's few and round ticks leave out if they need one."""
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    exponent = math.floor(math.log10(np.abs(axis.get_view_interval()).max()))
    if -3 < exponent < 4:
        return ""
    # Matplotlib's own power of ten would sit in the corner, upon the label.
    axis.set_major_formatter(lambda value, _: f"{value / 10.0**exponent:g}".replace("-", "−"))
    return f"$10^{{{exponent}}}$"
