"""How well each measure ranks a target: a dot with its intervals for each, kind by kind, a panel for each criterion."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_sharpness.reporting.drawing import DOTS_PER_INCH, POINT_COLOUR, REFERENCE_COLOUR, TEXT_COLOUR, plain
from keras_sharpness.reporting.ranked_measures import CRITERIA, by_kind

TITLES = {
    "cmi": "conditional\nmutual information",
    "tau_given": "tau given\ntraining loss",
    "sign_agreement": "agreement\nof signs",
}


def ranking(rows: pd.DataFrame, criteria: Sequence[str], title: str) -> Figure:
    """Draws each measure's criteria with two intervals: a thick one alone, a thin one that holds with all others.

    A dot is vermilion where the thin interval includes zero.

    Args:
        rows: Rows of a ranking.
        criteria: The criteria, a panel each.
        title: What the measures are ranked against.

    Returns:
        The figure. It belongs to no window and no global state.
    """
    lines: list[tuple[str, dict | None]] = []
    for kind, part in by_kind(rows):
        lines += [(kind, None), *((row["measure"], row) for row in part.to_dict("records"))]
    size = (3.4 + 2.1 * len(criteria), 1.7 + 0.21 * len(lines))
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    panels = figure.subplots(1, len(criteria), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, criteria, strict=True):
        for place, (_, row) in enumerate(lines):
            if row and pd.notna(row[name]):
                _draw(axes, place, row, name)
        _finish(axes, name)
    panels[0].set_yticks(range(len(lines)), [plain(name) for name, _ in lines], fontsize=9, color=TEXT_COLOUR)
    panels[0].set_ylim(len(lines) - 0.4, -0.6)
    for label, (_, row) in zip(panels[0].get_yticklabels(), lines, strict=True):
        label.set_fontweight("normal" if row else "bold")
    figure.suptitle(plain(title), x=0.01, ha="left", fontsize=13, fontweight="bold", color=TEXT_COLOUR)
    figure.supxlabel("Thick: 95 % interval of a measure alone. Thin: of all measures at once.", fontsize=10)
    return figure


def _draw(axes: Axes, place: int, row: dict, name: str) -> None:
    low, high = row[f"{name}_all_low"], row[f"{name}_all_high"]
    colour = POINT_COLOUR if low > 0 or high < 0 else REFERENCE_COLOUR
    axes.plot([low, high], [place] * 2, color=colour, linewidth=0.8)
    axes.plot(
        [row[f"{name}_low"], row[f"{name}_high"]], [place] * 2, color=colour, linewidth=2.4, solid_capstyle="butt"
    )
    axes.plot(row[name], place, "o", color=colour, markersize=4.5)


def _finish(axes: Axes, name: str) -> None:
    axes.set_title(TITLES.get(name, name), fontsize=11, color=TEXT_COLOUR)
    axes.axvline(0, color=TEXT_COLOUR, linewidth=0.8, zorder=0)
    low, high = CRITERIA[name][1:]
    axes.set_xlim(low - 0.04 * (high - low), high + 0.04 * (high - low))
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=9, labelcolor=TEXT_COLOUR)
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
