"""Several pools in the same axes: as measured, and as the ranks that determine tau."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.stats
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patheffects import withStroke

from keras_sharpness.reporting.axes import UNITS, finish_axis, loss_unit, spans_magnitudes
from keras_sharpness.reporting.drawing import DOTS_PER_INCH, REFERENCE_COLOUR, TEXT_COLOUR, marker, plain
from keras_sharpness.reporting.sources import POINT, Pool
from keras_sharpness.reporting.wording import describe, typeset

HALO = [withStroke(linewidth=2.2, foreground="white")]
# Of Okabe and Ito's palette, which is distinct with any colour vision; the shapes differ too.
STYLES = (("#0072B2", "o"), ("#009E73", "^"), ("#CC79A7", "s"), ("#56B4E9", "D"), ("#000000", "v"))


def comparison(pools: Sequence[Pool], *, title: str, loss_name: str) -> Figure:
    """Draws test loss against sharpness of several pools, as measured and as ranks within each pool.

    The reference is drawn in open circles on top of the others, the largest pool at the bottom. An axis is logarithmic
    if all values are positive and the ranges of each pool's middle 80 % together span more than a factor of 20. Lines
    through the ranks are fitted by least squares.

    Args:
        pools: The pools, at least one.
        title: What was measured.
        loss_name: Name of the loss, such as "cross-entropy".

    Returns:
        The figure, 11 inches wide, at 200 dots per inch. It belongs to no window and no global state.
    """
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1, wspace=0.04)
    figure = Figure(figsize=(11, 5 + 0.3 * len(pools)), dpi=DOTS_PER_INCH, layout=layout)
    measured, ranks = figure.subplots(1, 2)
    styles = _styles(pools)
    # The largest at the bottom, the reference on top.
    for index in sorted(range(len(pools)), key=lambda i: (pools[i].is_reference, -len(pools[i].points))):
        x, y = pools[index].pairs
        measured.scatter(x, y, **styles[index])
        _draw_ranks(ranks, x, y, styles[index])
    _finish_measured(measured, pools, loss_name)
    _finish_ranks(ranks, loss_name)
    _write_legend(figure, pools, styles, title)
    return figure


def _styles(pools: Sequence[Pool]) -> list[dict[str, Any]]:
    styles: list[dict[str, Any]] = []
    colours = itertools.cycle(STYLES)
    for pool in pools:
        size, alpha = marker(len(pool.points))
        if pool.is_reference:
            edge = {"facecolors": "none", "edgecolors": REFERENCE_COLOUR, "linewidths": 1.3, "path_effects": HALO}
            styles.append({"s": max(size, 20), "marker": "o"} | edge)
        else:
            colour, shape = next(colours)
            styles.append({"s": size, "marker": shape, "color": colour, "alpha": alpha, "linewidths": 0})
    return styles


def _draw_ranks(axes: Axes, x: np.ndarray, y: np.ndarray, style: dict[str, Any]) -> None:
    ranks_x, ranks_y = ((scipy.stats.rankdata(values) - 0.5) / len(values) for values in (x, y))
    axes.scatter(ranks_x, ranks_y, **style)
    ends = np.array([0.0, 1.0])
    colour = style.get("color", style.get("edgecolors"))
    axes.plot(ends, np.polyval(np.polyfit(ranks_x, ranks_y, 1), ends), color=colour, linewidth=2.2, path_effects=HALO)


def _finish_measured(axes: Axes, pools: Sequence[Pool], loss_name: str) -> None:
    for name in POINT:
        if spans_magnitudes([pool.points[name].to_numpy(dtype=float) for pool in pools]):
            getattr(axes, {"sharpness": "set_xscale", "test_loss": "set_yscale"}[name])("log")
    finish_axis(axes.xaxis, "Sharpness", UNITS.get(loss_name, ""))
    finish_axis(axes.yaxis, f"Test {loss_name}", loss_unit(loss_name))
    axes.set_title("As measured", loc="left", color=TEXT_COLOUR)
    axes.spines[["top", "right"]].set_visible(False)


def _finish_ranks(axes: Axes, loss_name: str) -> None:
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    finish_axis(axes.xaxis, "Rank of sharpness in its pool (1: highest)", "")
    finish_axis(axes.yaxis, f"Rank of test {loss_name}", "")
    axes.set_title("Ranks, which determine τ (lines: least squares)", loc="left", color=TEXT_COLOUR)
    axes.spines[["top", "right"]].set_visible(False)


def _write_legend(figure: Figure, pools: Sequence[Pool], styles: list[dict[str, Any]], title: str) -> None:
    samples = [figure.axes[0].scatter([], [], **style | {"s": 40, "alpha": 1}) for style in styles]
    names = [f"{plain(pool.source)}: {typeset(describe(pool.kendall))}" for pool in pools]
    heading = {"title": plain(title), "title_fontproperties": {"size": 15, "weight": "bold"}, "alignment": "left"}
    style = {"frameon": False, "fontsize": 13, "labelcolor": TEXT_COLOUR, "handletextpad": 0.2, "borderpad": 0}
    legend = figure.legend(samples, names, loc="outside upper left", **heading, **style)
    legend.get_title().set_color(TEXT_COLOUR)
