"""A target against a measure, a point per model, coloured by each hyper-parameter in turn."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_sharpness.reporting.axes import choose_axis, finish_axis
from keras_sharpness.reporting.colour_classes import MOST_CLASSES, ColourClasses, colour_classes
from keras_sharpness.reporting.drawing import DOTS_PER_INCH, TEXT_COLOUR, marker, plain

COLUMNS, MOST_PANELS = 3, 9
# Of a legend in one line.
MOST_LETTERS = 26
WORD_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#333333", "#E69F00")
SCALE = matplotlib.colormaps["plasma"]


def coloured(models: pd.DataFrame, measure: str, target: str, hyper_parameters: Sequence[str], title: str) -> Figure:
    """Draws a panel for each hyper-parameter, nine at most.

    Args:
        models: A row per model, with finite values of both.
        measure: Column of the measure, along the horizontal axis.
        target: Column of the target.
        hyper_parameters: Columns of the hyper-parameters.
        title: What is shown.

    Returns:
        The figure. It belongs to no window and no global state.
    """
    names = list(hyper_parameters)[:MOST_PANELS]
    rows, columns = -(-len(names) // COLUMNS), min(COLUMNS, len(names))
    figure = Figure(figsize=(3.6 * columns + 0.6, 3.6 * rows + 0.6), dpi=DOTS_PER_INCH, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, name in zip(panels, names, strict=False):
        _draw(axes, models[measure].to_numpy(float), models[target].to_numpy(float), colour_classes(models[name]))
        finish_axis(axes.xaxis, plain(measure), "")
        finish_axis(axes.yaxis, plain(target.replace("_", " ")), "")
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    figure.suptitle(plain(title), x=0.01, ha="left", fontsize=13, fontweight="bold", color=TEXT_COLOUR)
    return figure


def _draw(axes: Axes, x: np.ndarray, y: np.ndarray, classes: ColourClasses) -> None:
    for name, values in (("x", x), ("y", y)):
        scale, limits = choose_axis(values, 0 * values)
        getattr(axes, f"set_{name}scale")(scale)
        getattr(axes, f"set_{name}lim")(*limits)
    size, alpha = marker(len(x))
    colours = [SCALE(0.9 * k / (MOST_CLASSES - 1)) if classes.ordered else WORD_COLOURS[k] for k in classes.places()]
    # In the order of the pool, so that no class hides the others.
    axes.scatter(x, y, s=size, alpha=alpha, c=[colours[k] for k in classes.numbers], linewidths=0)
    keys = [
        axes.scatter([], [], s=30, color=colour, label=plain(label))
        for colour, label in zip(colours, classes.labels, strict=True)
    ]
    # Above the axes, so that it hides no point.
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (-0.05, 1), "borderaxespad": 0, "frameon": False}
    narrow = sum(map(len, classes.labels)) < MOST_LETTERS
    axes.legend(
        handles=keys,
        title=plain(classes.name),
        ncols=len(keys) if narrow else 2,
        fontsize=8,
        title_fontsize=9,
        alignment="left",
        handletextpad=0,
        columnspacing=1,
        **place,
    )
    axes.spines[["top", "right"]].set_visible(False)
