"""Figure and table of a study on many splits: each split's tau, and the mean over splits."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_sharpness.reporting import markdown, wording
from keras_sharpness.reporting.drawing import DOTS_PER_INCH, POINT_COLOUR, REFERENCE_COLOUR, TEXT_COLOUR, plain, png
from keras_sharpness.reporting.output import write_files
from keras_sharpness.reporting.reading import read_table

INTERVAL = ("tau_ci_low", "tau_ci_high")
SPLITS = ("split_seed", "quantity", "tau", "standard_error", *INTERVAL, "num_models")
POOLED = ("quantity", "tau", *INTERVAL, "prediction_low", "prediction_high", "between_deviation", "num_splits")
HOW = """Each split has a pool of its own, of another seed. Its interval is over networks. The mean and its interval are
over splits, by random effects (Paule and Mandel; Hartung and Knapp). The true tau of another split lies in the last
interval with the same confidence. The deviation is that of the true taus between splits. Splits of one data set share
examples: these intervals say nothing about other data sets."""


def write_splits(folder: Path, model: str) -> None:
    """Writes `splits.png` and `splits.md` into the folder of a study on many splits.

    Args:
        folder: The folder, with `splits.csv` and `pooled.csv`.
        model: Name of the model, such as "gat".

    Raises:
        InputError: If one of the files is missing or damaged.
    """
    table = read_table(folder / "splits.csv", SPLITS, ("quantity",))
    pooled = read_table(folder / "pooled.csv", POOLED, ("quantity",))
    heading = wording.heading(model, f"{table['split_seed'].nunique()} splits")
    picture, page = png(figure(table, pooled, heading)), text(table, pooled, heading)
    write_files(folder, {"splits.png": picture, "splits.md": page})


def figure(table: pd.DataFrame, pooled: pd.DataFrame, heading: str) -> Figure:
    """Draws a column for each quantity: tau and its interval for each split, and at the bottom the mean over splits.

    Args:
        table: A row for each split and quantity; see `studies.splits.taus_of_split`.
        pooled: A row for each quantity; see `studies.splits.pooled`.
        heading: What was measured.

    Returns:
        The figure.
    """
    quantities, seeds = list(pooled["quantity"]), sorted(table["split_seed"].unique())
    size = (3.2 * len(quantities) + 1, 1.8 + 0.24 * len(seeds))
    result = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    columns = result.subplots(1, len(quantities), sharey=True, squeeze=False)[0]
    for axes, quantity in zip(columns, quantities, strict=True):
        of_splits = table[table["quantity"] == quantity].sort_values("split_seed")
        _draw(axes, of_splits, pooled[pooled["quantity"] == quantity].iloc[0])
        axes.set_title(plain(quantity).replace(" given", "\ngiven"), fontsize=12, color=TEXT_COLOUR)
    names = [*(f"split {seed}" for seed in seeds), "mean over splits"]
    columns[0].set_yticks(range(len(names)), names, fontsize=10, color=TEXT_COLOUR)
    columns[0].set_ylim(len(names) - 0.4, -0.6)
    result.suptitle(plain(heading), x=0.01, ha="left", fontsize=14, fontweight="bold", color=TEXT_COLOUR)
    result.supxlabel("Kendall's τ of sharpness with it, 95 % interval", fontsize=12, color=TEXT_COLOUR)
    return result


def text(table: pd.DataFrame, pooled: pd.DataFrame, heading: str) -> str:
    """Returns both tables in Markdown.

    Args:
        table: A row for each split and quantity.
        pooled: A row for each quantity.
        heading: What was measured.
    """
    head = ("tau of sharpness with", "mean over splits", "95 % interval", "tau of another split", "deviation", "splits")
    quantities = list(pooled["quantity"])
    taus = [_taus(part, quantities) for _, part in table.groupby("split_seed")]
    return markdown.page(
        heading,
        "![Tau of each split, and the mean over splits](splits.png)",
        markdown.table(head, [_pooled_cells(row) for row in pooled.to_dict("records")]),
        " ".join(HOW.split()),
        markdown.table(("split", "networks", *quantities), taus),
    )


def _draw(axes: Axes, table: pd.DataFrame, together: pd.Series) -> None:
    places = range(len(table))
    reach = [table["tau"] - table["tau_ci_low"], table["tau_ci_high"] - table["tau"]]
    axes.errorbar(table["tau"], places, xerr=reach, fmt="o", markersize=4, elinewidth=1.2, color=POINT_COLOUR)
    place, tau = len(table), together["tau"]
    # The thin bar is where another split's tau lies.
    axes.plot(together[["prediction_low", "prediction_high"]], [place] * 2, color=REFERENCE_COLOUR, linewidth=1)
    axes.plot(together[list(INTERVAL)], [place] * 2, color=REFERENCE_COLOUR, linewidth=4, solid_capstyle="butt")
    axes.plot(tau, place, "D", color=REFERENCE_COLOUR, markersize=6)
    axes.axvline(0, color=TEXT_COLOUR, linewidth=0.8, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    axes.tick_params(labelsize=10, labelcolor=TEXT_COLOUR)


def _pooled_cells(row: dict) -> list[str]:
    ends = [wording.interval(row[f"{name}_low"], row[f"{name}_high"]) for name in ("tau_ci", "prediction")]
    spread = wording.number(row["between_deviation"])
    return [row["quantity"], wording.number(row["tau"]), *ends, spread, str(row["num_splits"])]


def _taus(part: pd.DataFrame, quantities: Sequence[str]) -> list[str]:
    rows = {row["quantity"]: row for row in part.to_dict("records")}
    first = part.iloc[0]
    taus = [f"{wording.number(rows[q]['tau'])} ± {wording.number(rows[q]['standard_error'])}" for q in quantities]
    return [str(first["split_seed"]), str(first["num_models"]), *taus]
