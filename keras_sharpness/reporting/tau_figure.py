"""Taus of several pools with their intervals, model by model: a forest plot."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_sharpness.reporting.axes import finish_axis
from keras_sharpness.reporting.drawing import DOTS_PER_INCH, POINT_COLOUR, REFERENCE_COLOUR, TEXT_COLOUR, plain
from keras_sharpness.reporting.sources import Pool
from keras_sharpness.reporting.wording import describe, typeset

PROTOCOLS = {"paper": ", the paper's text", "released": ", the released code"}


def forest(groups: Mapping[str, Sequence[Pool]]) -> Figure:
    """Draws tau and its 95 % interval of each pool, and writes them to the right. References are open circles.

    Args:
        groups: By title, the pools of one model.

    Returns:
        The figure, 11 inches wide, at 200 dots per inch. It belongs to no window and no global state.
    """
    rows: list[tuple[str, Pool | None]] = []
    for title, pools in groups.items():
        rows += [(title, None), *((_name(pool), pool) for pool in pools)]
    figure = Figure(figsize=(11, 1.3 + 0.32 * len(rows)), dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    for place, (_, pool) in enumerate(rows):
        if pool:
            _draw(axes, place, pool)
    _finish(axes, rows)
    return figure


def _name(pool: Pool) -> str:
    if pool.is_reference:
        return pool.source
    procedure = PROTOCOLS.get(pool.settings.get("protocol", ""), "")
    return f"{pool.source}{procedure}{' in part' if pool.settings.get('as_in_paper') else ''}"


def _draw(axes: Axes, place: int, pool: Pool) -> None:
    tau, low, high = pool.kendall.tau, pool.kendall.ci_low, pool.kendall.ci_high
    colour = REFERENCE_COLOUR if pool.is_reference else POINT_COLOUR
    fill = "white" if pool.is_reference else colour
    axes.plot([low, high], [place, place], color=colour, linewidth=2.2, solid_capstyle="butt")
    axes.plot(tau, place, "o", color=colour, markerfacecolor=fill, markersize=7)
    aside: dict[str, Any] = {
        "xycoords": ("axes fraction", "data"),
        "va": "center",
        "fontsize": 11,
        "annotation_clip": False,
    }
    axes.annotate(typeset(describe(pool.kendall)), (1.02, place), color=TEXT_COLOUR, **aside)


def _finish(axes: Axes, rows: Sequence[tuple[str, Pool | None]]) -> None:
    axes.axvline(0, color=TEXT_COLOUR, linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(rows)), [plain(name) for name, _ in rows], fontsize=12, color=TEXT_COLOUR)
    for label, (_, pool) in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("normal" if pool else "bold")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    finish_axis(axes.xaxis, "Kendall's τ, 95 % interval\n(below 0, sharper models have lower test loss)", "")
