"""How sign errors are distributed over environments, a row for each of the best measures."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from keras_sharpness.reporting.drawing import (
    BAR_COLOUR,
    DOTS_PER_INCH,
    POINT_COLOUR,
    REFERENCE_COLOUR,
    TEXT_COLOUR,
    plain,
)


def environments(errors: Mapping[str, np.ndarray], title: str) -> Figure:
    """Draws a box from the first to the third quartile, a line to the 90th percentile, and the worst as a cross.

    Args:
        errors: By measure, its sign error in each environment.
        title: What the measures are compared with.

    Returns:
        The figure. It belongs to no window and no global state.
    """
    figure = Figure(figsize=(8, 1.8 + 0.3 * len(errors)), dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    for place, values in enumerate(errors.values()):
        low, first, median, third, high = np.quantile(values, [0.1, 0.25, 0.5, 0.75, 0.9])
        axes.plot([low, high], [place] * 2, color=BAR_COLOUR, linewidth=1.5)
        axes.plot([first, third], [place] * 2, color=BAR_COLOUR, linewidth=9, solid_capstyle="butt")
        axes.plot(median, place, "o", color=POINT_COLOUR, markersize=6)
        axes.plot(values.max(), place, "x", color=REFERENCE_COLOUR, markersize=7)
    axes.axvline(0.5, color=TEXT_COLOUR, linewidth=0.8, linestyle="--", zorder=0)
    axes.set_yticks(range(len(errors)), [*map(plain, errors)], fontsize=9, color=TEXT_COLOUR)
    axes.set(xlim=(-0.02, 1.02), ylim=(len(errors) - 0.4, -0.6))
    axes.set_xlabel("share of wrong signs\n● median, box: half of the environments, line: 80 %, ×: worst", fontsize=10)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.suptitle(plain(title), x=0.01, ha="left", fontsize=13, fontweight="bold", color=TEXT_COLOUR)
    return figure
