"""Axes that show a pool: their scale and limits, labels and ticks."""

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator

from keras_sharpness.reporting.drawing import TEXT_COLOUR

UNITS = {"cross-entropy": "nats", "mean squared error": "MSE"}
Limits: TypeAlias = tuple[float, float]


def choose_axis(values: np.ndarray, error: np.ndarray) -> tuple[str, Limits]:
    """Chooses an axis that shows all values unless a few are far from the others.

    An axis is logarithmic if its values are positive and the middle 80 % of them span more than a factor of 20. A value
    is far if it is farther from the middle half than six times the width of that half (on a logarithmic axis, of the
    logarithms). Far values are left outside if showing them would squeeze all others into less than a third.

    Args:
        values: What is to be drawn along it, finite.
        error: Half lengths of their bars.

    Returns:
        "linear" or "log", and both ends.
    """
    if not spans_magnitudes([values]):
        return "linear", _limits(values, error)
    low, high = _limits(np.log10(values), 0 * error)
    return "log", (10**low, 10**high)


def finish_axis(axis: Axis, name: str, unit: str) -> None:
    """Labels an axis and gives it a few round ticks, with their power of ten in the label."""
    axis.set_tick_params(labelsize=12, labelcolor=TEXT_COLOUR)
    power = _round_ticks(axis) if axis.get_scale() == "linear" else ""
    axis.set_label_text(axis_label(name, f"{power} {unit}".strip()), fontsize=13, color=TEXT_COLOUR)


def with_radius(sharpness_name: str, rho: float) -> str:
    """Returns the name of a sharpness with the radius of its ball."""
    return f"{sharpness_name}, ρ = {rho:g}"


def axis_label(name: str, unit: str) -> str:
    """Returns the name with its unit, if it has one, in brackets."""
    return f"{name} ({unit})" if unit else name


def within(values: np.ndarray, limits: Limits) -> np.ndarray:
    """Returns which values lie between the limits, ends included."""
    return (values >= limits[0]) & (values <= limits[1])


def spans_magnitudes(pools: Sequence[np.ndarray]) -> bool:
    """Returns whether a logarithmic axis suits several pools of values, as `choose_axis` says it for one."""
    if not all(values.size and values.min() > 0 for values in pools):
        return False
    low, high = (extreme(np.quantile(v, q) for v in pools) for extreme, q in ((min, 0.1), (max, 0.9)))
    return bool(high > 20 * low)


def loss_unit(loss_name: str) -> str:
    """Returns the unit of a loss that its name does not say already."""
    unit = UNITS.get(loss_name, "")
    return unit if unit == "nats" else ""


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
    near = within(values, (low - fence, high + fence))
    return near if np.ptp(values) > 3 * np.ptp(values[near]) > 0 else np.full(len(values), True)


def _round_ticks(axis: Axis) -> str:
    """Returns the power of ten that an axis's ticks leave out, for the label, after making the ticks few and round."""
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    exponent = math.floor(math.log10(np.abs(axis.get_view_interval()).max()))
    if -3 < exponent < 4:
        return ""
    # Matplotlib's own power of ten would overlap the label in the corner.
    axis.set_major_formatter(lambda value, _: f"{value / 10.0**exponent:g}".replace("-", "−"))
    return f"$10^{{{exponent}}}$"
