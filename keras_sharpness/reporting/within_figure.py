"""Tau of each measure within each hyper-parameter, as a map of colours with the numbers in it."""

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from keras_sharpness.reporting.drawing import DOTS_PER_INCH, POINT_COLOUR, REFERENCE_COLOUR, TEXT_COLOUR, plain

SCALE = LinearSegmentedColormap.from_list("sign", [REFERENCE_COLOUR, "white", POINT_COLOUR])
UNKNOWN_COLOUR = "#dddddd"


def within(taus: pd.DataFrame, title: str, width: float = 0.95) -> Figure:
    """Draws a row for each measure and a column for each hyper-parameter; what is undefined is grey.

    Args:
        taus: Taus of a ranking.
        title: What the measures are compared with.
        width: Width of a column in inches.

    Returns:
        The figure. It belongs to no window and no global state.
    """
    values = taus.to_numpy(float)
    size = (4.2 + width * values.shape[1], 2.0 + 0.22 * len(values))
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    scale = SCALE.with_extremes(bad=UNKNOWN_COLOUR)
    image = axes.imshow(np.ma.masked_invalid(values), cmap=scale, vmin=-1, vmax=1, aspect="auto")
    for (row, column), tau in np.ndenumerate(values):
        colour = "white" if abs(tau) > 0.6 else TEXT_COLOUR
        text = "–" if np.isnan(tau) else f"{tau:.2f}".replace("-", "−")
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    axes.set_yticks(range(len(values)), [*map(plain, taus.index)], fontsize=9, color=TEXT_COLOUR)
    axes.set_xticks(
        range(values.shape[1]), [*map(plain, taus.columns)], fontsize=9, color=TEXT_COLOUR, rotation=30, ha="right"
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=min(1.0, 4 / size[1]), label="Kendall's τ")
    figure.suptitle(plain(title), x=0.01, ha="left", fontsize=13, fontweight="bold", color=TEXT_COLOUR)
    return figure
