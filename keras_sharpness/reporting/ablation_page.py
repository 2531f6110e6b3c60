"""Figure and table of an ablation: the effect of each particular on the level of sharpness and on tau."""

import math
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from keras_sharpness.files.atomic import atomic_open
from keras_sharpness.reporting import wording
from keras_sharpness.reporting.drawing import POINT_COLOUR, TEXT_COLOUR, plain, png
from keras_sharpness.reporting.markdown import page
from keras_sharpness.reporting.markdown import table as table_of
from keras_sharpness.reporting.reading import read_table
from keras_sharpness.reporting.run_folder import ABLATION, ABLATION_TEXTS

HEADINGS = ("", "released code", "paper", "median sharpness", "median test loss", "tau", "95 % interval", "models")
CHANGE = ("tau_change", "tau_change_ci_low", "tau_change_ci_high")
PAIRED = """The change is tau less that of the row above, on pairs of networks of the same seed, with its 95 % interval
(jackknife over the pairs). It is of this order of the steps; another order may give other changes."""


def write_ablation(folder: Path, model: str) -> None:
    """Writes `ablation.png` and `ablation.md` into the folder of an ablation.

    Args:
        folder: The folder, with `ablation.csv`.
        model: Name of the model, such as "lenet".
    """
    table = read_table(folder / "ablation.csv", ABLATION, ABLATION_TEXTS)
    heading = wording.heading(model, _way(table))
    picture = png(figure(table, heading))
    with atomic_open(folder / "ablation.png", "wb") as file:
        file.write(picture)
    with atomic_open(folder / "ablation.md") as file:
        file.write(text(table, heading))


def figure(table: pd.DataFrame, heading: str) -> Figure:
    """Draws the median sharpness and tau of each step, the start of the way at the top.

    Args:
        table: A row for each step; see `released.ablation.run_ablation`.
        heading: What was measured.

    Returns:
        The figure.
    """
    result = Figure(figsize=(9, 1.4 + 0.42 * len(table)), dpi=200, layout="constrained")
    level, tau = result.subplots(1, 2, sharey=True)
    level.set_yticks(range(len(table)), [*map(plain, _names(table))], fontsize=11)
    level.invert_yaxis()
    _draw_level(level, table["sharpness_median"])
    _draw_tau(tau, table)
    result.suptitle(plain(heading), x=0.01, ha="left", fontsize=14, fontweight="bold", color=TEXT_COLOUR)
    return result


def text(table: pd.DataFrame, heading: str) -> str:
    """Returns the table in Markdown.

    Args:
        table: A row for each step.
        heading: What was measured.
    """
    return page(
        heading,
        _explanation(table),
        "![Median sharpness and tau of each step](ablation.png)",
        table_of((*HEADINGS, *(("change", "95 % interval") if _has_changes(table) else ())), _rows(table)),
        *([" ".join(PAIRED.split())] if _has_changes(table) else []),
    )


def _has_changes(table: pd.DataFrame) -> bool:
    return set(CHANGE) <= set(table)


def _rows(table: pd.DataFrame) -> list[list[str]]:
    return [_cells(row) + (_change(row) if _has_changes(table) else []) for row in table.to_dict("records")]


def _change(row: dict) -> list[str]:
    change, low, high = (row[name] for name in CHANGE)
    return ["", ""] if math.isnan(change) else [wording.number(change), wording.interval(low, high)]


def _from_code(table: pd.DataFrame) -> bool:
    return bool(table["particular"].iloc[0] != "paper")


def _way(table: pd.DataFrame) -> str:
    ends = ["the released code", "the paper's text"]
    return "from {} to {}".format(*(ends if _from_code(table) else reversed(ends)))


def _explanation(table: pd.DataFrame) -> str:
    if _from_code(table):
        return "Each row sets one more particular as in the paper; the last row is the paper's procedure."
    return "Each row sets one more particular as in the released code; the last row is the code's procedure."


def _draw_level(axes: Axes, sharpness: pd.Series) -> None:
    axes.plot(sharpness, range(len(sharpness)), "o", color=POINT_COLOUR)
    low, high = sharpness.min(), sharpness.max()
    if low > 0:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 30 * low else (1,)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
    _label(axes, "Median sharpness")


def _draw_tau(axes: Axes, table: pd.DataFrame) -> None:
    reach = [table["tau"] - table["tau_ci_low"], table["tau_ci_high"] - table["tau"]]
    axes.errorbar(table["tau"], range(len(table)), xerr=reach, fmt="o", color=POINT_COLOUR, capsize=3)
    axes.axvline(0, color=TEXT_COLOUR, linewidth=0.8)
    _label(axes, "Kendall's τ, 95 % interval")


def _names(table: pd.DataFrame) -> list[str]:
    first, *others = table["particular"]
    return [
        f"{first} code" if _from_code(table) else f"{first}'s text",
        *(f"+ {name.replace('_', ' ')}" for name in others),
    ]


def _cells(row: dict) -> list[str]:
    return [
        *(str(row[name]) for name in ("particular", "released", "paper")),
        *(wording.quantity(row[name]) for name in ("sharpness_median", "test_loss_median")),
        wording.number(row["tau"]),
        wording.interval(row["tau_ci_low"], row["tau_ci_high"]),
        str(row["num_models"]),
    ]


def _label(axes: Axes, name: str) -> None:
    axes.set_xlabel(name, fontsize=12, color=TEXT_COLOUR)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
