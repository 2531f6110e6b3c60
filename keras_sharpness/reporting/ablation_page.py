"""Figure and table of an ablation: what each particular does to the level of sharpness and to tau."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from keras_sharpness.files.atomic import atomic_open
from keras_sharpness.reporting.figures import POINT_COLOUR, TEXT_COLOUR, png
from keras_sharpness.reporting.markdown import table as table_of
from keras_sharpness.reporting.report import interval_text
from keras_sharpness.reporting.run_folder import ABLATION, ABLATION_TEXTS, read_table

HEADINGS = ("", "released code", "paper", "median sharpness", "median test loss", "tau", "95 % interval", "models")


def write_ablation(folder: Path, title: str) -> None:
    """Writes `ablation.png` and `ablation.md` beside `ablation.csv`.

    Args:
        folder: The ablation's folder.
        title: What was measured, such as "LeNet-5 on FashionMNIST".
    """
    table = read_table(folder / "ablation.csv", ABLATION, ABLATION_TEXTS)
    picture = png(figure(table, title))
    with atomic_open(folder / "ablation.png", "wb") as file:
        file.write(picture)
    with atomic_open(folder / "ablation.md") as file:
        file.write(text(table, title))


def figure(table: pd.DataFrame, title: str) -> Figure:
    """Draws the median sharpness and tau of each step, the released procedure on top, the paper's at the bottom.

    Args:
        table: A row for each step; see `released.ablation.run_ablation`.
        title: What was measured.

    Returns:
        The figure.
    """
    result = Figure(figsize=(9, 1.4 + 0.42 * len(table)), dpi=200, layout="constrained")
    level, tau = result.subplots(1, 2, sharey=True)
    places = np.arange(len(table))
    level.plot(table["sharpness_median"], places, "o", color=POINT_COLOUR)
    low, high = table["sharpness_median"].min(), table["sharpness_median"].max()
    if low > 0:
        level.set_xscale("log")
        level.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 30 * low else (1,)))
        level.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        level.xaxis.set_minor_formatter(NullFormatter())
    _label(level, "Median sharpness")
    level.set_yticks(places, _names(table), fontsize=11)
    level.invert_yaxis()
    reach = [table["tau"] - table["tau_ci_low"], table["tau_ci_high"] - table["tau"]]
    tau.errorbar(table["tau"], places, xerr=reach, fmt="o", color=POINT_COLOUR, capsize=3)
    tau.axvline(0, color=TEXT_COLOUR, linewidth=0.8)
    _label(tau, "Kendall's τ, 95 % interval")
    result.suptitle(_heading(title), x=0.01, ha="left", fontsize=14, fontweight="bold", color=TEXT_COLOUR)
    return result


def text(table: pd.DataFrame, title: str) -> str:
    """Returns the table in Markdown.

    Args:
        table: A row for each step.
        title: What was measured.
    """
    lines = [
        f"# {_heading(title)}",
        "Each row sets one more particular as in the paper; the last row is the paper's procedure.",
        "![Median sharpness and tau of each step](ablation.png)",
        table_of(HEADINGS, map(_cells, table.to_dict("records"))),
    ]
    return "\n\n".join(lines) + "\n"


def _heading(title: str) -> str:
    return f"{title}: from the released code to the paper's text"


def _names(table: pd.DataFrame) -> list[str]:
    first, *others = table["particular"]
    return [f"{first} code", *(f"+ {name.replace('_', ' ')}" for name in others)]


def _cells(row: dict) -> list[str]:
    return [
        *(str(row[name]) for name in ("particular", "released", "paper")),
        *(f"{row[name]:.4g}" for name in ("sharpness_median", "test_loss_median")),
        f"{row['tau']:.3f}",
        interval_text(row["tau_ci_low"], row["tau_ci_high"]),
        str(row["num_models"]),
    ]


def _label(axes: Axes, name: str) -> None:
    axes.set_xlabel(name, fontsize=12, color=TEXT_COLOUR)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
