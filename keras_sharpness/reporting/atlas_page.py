"""Figures and pages of the atlas: what all data sets say together of each measure, and each data set alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.reporting import html, markdown
from keras_sharpness.reporting.drawing import png
from keras_sharpness.reporting.output import write_files
from keras_sharpness.reporting.page_data import PageFigure
from keras_sharpness.reporting.pool_figures import ENDS, interval_rows, intervals_figure
from keras_sharpness.reporting.pool_findings import target_name
from keras_sharpness.reporting.ranked_measures import CRITERIA
from keras_sharpness.reporting.ranking_figure import ranking
from keras_sharpness.reporting.reading import read_table
from keras_sharpness.reporting.section import Section, as_markdown
from keras_sharpness.reporting.within_figure import within
from keras_sharpness.reporting.wording import interval, number

ANSWER = "answer.csv"
HEADING = "One question, many data sets"
# The criterion and the target that the protocol names beforehand.
FIRST, TARGET, EVERY = "psi", "gap", "all"
WORDS = ("group", "target", "criterion", "measure", "kind", "finding")
NUMBERS = ("mean", "low", "high", "all_low", "all_high", "prediction_low", "prediction_high", "i_squared", "rows")
OF_ROWS = ("row", "data_set", "network", "task", "target", "measure", "criterion", "kind")
HEAD = ["measure", "kind", "mean", "on another data set", "I squared", "share above 0", "data sets", "finding"]
OF_SETS = ("row", "data_set", "network", "task", "num_train", "num_test", "stop_loss", "reached", "trained")
NOTE = """Each data set has pools of its own, of dense networks that stop at one training loss. A criterion is computed
within each split, averaged over splits, and then over data sets by random effects (Paule and Mandel; Hartung and
Knapp). Brackets: 95 % intervals that hold for all measures at once. Another data set's value lies in the last interval
with 95 % confidence. I squared is the share of the variation that is between data sets. Psi, tau and the agreement of
signs are 0 for a measure that knows nothing, and 1 for the gap itself; mutual information is above 0 for any measure:
compare it with that of noise."""
ROWS_NOTE = """Psi with the gap, mean over splits. A row for each data set, and behind them other networks; the measures
with the largest mean psi by size come first."""


def write_atlas(folder: Path) -> Path:
    """Writes `report.html`, `report.md`, `forest.png` and `rows.png` into the folder of an atlas.

    Args:
        folder: The folder, with `rows.csv`, `criteria.csv` and `answer.csv`.

    Returns:
        Path of `report.md`.

    Raises:
        InputError: If a file is missing or damaged.
    """
    found = read_table(folder / ANSWER, (*WORDS, *NUMBERS), WORDS)
    rows = read_table(folder / "criteria.csv", (*OF_ROWS, "value", "standard_error"), OF_ROWS)
    sets = read_table(folder / "rows.csv", OF_SETS, OF_SETS[:4])
    first = _chosen(found, EVERY, TARGET)
    measures = [*first[FIRST]["measure"]]
    sentences, sections = _sentences(first[FIRST], rows), _sections(first[FIRST], rows, sets)
    forest = ranking(_wide(first), [*first], f"Which measure ranks {target_name(TARGET)}?")
    pictures = {
        "forest.png": png(forest),
        "rows.png": png(within(_by_row(rows, measures), "Psi on each data set", 0.5)),
    }
    page = html.page(
        HEADING,
        sentences,
        sections,
        _figures(found, rows, measures),
        command="python main.py atlas",
        scripts=html.OF_ATLAS,
        picture="forest.png",
    )
    write_files(folder, pictures | {"report.html": page, "report.md": _text(sentences, sections)})
    return folder / "report.md"


def _chosen(found: pd.DataFrame, group: str, target: str) -> dict[str, pd.DataFrame]:
    """Returns the rows of each criterion, the largest mean by size first."""
    part = found[(found["group"] == group) & (found["target"] == target)]
    parts = {name: part[part["criterion"] == name] for name in CRITERIA}
    return {
        name: of.sort_values("mean", key=np.abs, ascending=False, ignore_index=True)
        for name, of in parts.items()
        if len(of)
    }


def _wide(chosen: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Returns a row for each measure, with the intervals of each criterion as the figure of a ranking takes them."""
    first = next(iter(chosen.values()))
    wide = first[["measure", "kind"]]
    for name, rows in chosen.items():
        ends = dict(zip(("mean", "low", "high", "all_low", "all_high"), (f"{name}{end}" for end in ENDS), strict=True))
        wide = wide.merge(rows[["measure", *ends]].rename(columns=ends), on="measure", how="left")
    return wide


def _by_row(rows: pd.DataFrame, measures: Sequence[str], target: str = TARGET) -> pd.DataFrame:
    """Returns psi, a row for each row of the atlas and a column for each measure; other networks come last."""
    part = rows[(rows["target"] == target) & (rows["criterion"] == FIRST)]
    table = part.pivot(index="row", columns="measure", values="value")
    other = rows.drop_duplicates("row").set_index("row")["network"] != "dense"
    return table.loc[sorted(table.index, key=lambda name: (bool(other[name]), name))].reindex(columns=[*measures])


def _sentences(psi: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    measures = psi[psi["kind"] != "check"]
    ranks, wrong = (measures[measures["finding"] == finding] for finding in ("ranks", "ranks the wrong way"))
    dense = rows[rows["network"] == "dense"]
    sets = f"{dense['row'].nunique()} data sets"
    verdict = (
        f"Over {sets}, {_count(ranks)} of {len(measures)} measures rank {target_name(TARGET)}, and {_count(wrong)} the "
        f"wrong way round; of the other {len(measures) - len(ranks) - len(wrong)} nothing was found."
    )
    sure = measures[(measures["prediction_low"] > 0) | (measures["prediction_high"] < 0)]
    spread = f"With 95 % confidence, psi has the same sign on another data set for {_count(sure)} of them"
    spread += f": {', '.join(sure['measure'])}." if len(sure) else "."
    return [verdict, *(_one(row) for row in measures.head(1).to_dict("records")), spread]


def _count(rows: pd.DataFrame) -> str:
    return str(len(rows)) if len(rows) else "none"


def _one(row: dict[str, Any]) -> str:
    return (
        f"The largest psi by size is that of {row['measure']}: {number(row['mean'])} "
        f"{interval(row['all_low'], row['all_high'])}; on another data set it lies in "
        f"{interval(row['prediction_low'], row['prediction_high'])}."
    )


def _sections(psi: pd.DataFrame, rows: pd.DataFrame, sets: pd.DataFrame) -> list[Section]:
    return [
        Section(
            heading="All data sets together",
            rows=[HEAD, *_answer_cells(psi)],
            note=" ".join(NOTE.split()),
            figure="ranking",
            look="sortable",
        ),
        Section(
            heading="Each data set",
            rows=_cells(_by_row(rows, [*psi["measure"]])),
            note=" ".join(ROWS_NOTE.split()),
            figure="within",
            look="sortable heat",
        ),
        Section(
            heading="Rows",
            rows=[
                [name.replace("_", " ") for name in OF_SETS],
                *sets[[*OF_SETS]].round(3).astype(str).to_numpy().tolist(),
            ],
            note="Models that did not reach the training loss of their row are left out.",
        ),
    ]


def _answer_cells(rows: pd.DataFrame) -> list[list[str]]:
    return [
        [
            row["measure"],
            row["kind"],
            f"{number(row['mean'])} {interval(row['all_low'], row['all_high'])}",
            interval(row["prediction_low"], row["prediction_high"]),
            f"{row['i_squared']:.2f}",
            f"{row['share_positive']:.2f}",
            f"{row['rows']:g}",
            row["finding"] if isinstance(row["finding"], str) else "",
        ]
        for row in rows.to_dict("records")
    ]


def _cells(table: pd.DataFrame) -> list[list[str]]:
    body = ([name, *map(number, values)] for name, values in zip(table.index, table.to_numpy(float), strict=True))
    return [["data set", *table.columns], *body]


def _figures(found: pd.DataFrame, rows: pd.DataFrame, measures: list[str]) -> dict[str, PageFigure]:
    names = [name for name in CRITERIA if name in set(found["criterion"])]
    pairs = found[["group", "target"]].drop_duplicates().itertuples(index=False)
    targets = [_target(found, rows, group, target, measures) for group, target in pairs]
    return {
        "ranking": intervals_figure(names, targets, "Target and data sets"),
        "within": PageFigure(name="Psi on each data set", caption="Of the target that is chosen above.", data=None),
    }


def _target(found: pd.DataFrame, rows: pd.DataFrame, group: str, target: str, order: list[str]) -> dict[str, Any]:
    chosen = _chosen(found, group, target)
    psi = chosen[FIRST]
    of_group = rows if group == EVERY else rows[rows["task"] == group]
    return {
        "label": f"{target_name(target)}, {'all data sets' if group == EVERY else group}",
        "rows": interval_rows(_wide(chosen), [*chosen]),
        "cells": _answer_cells(psi),
        "within": _cells(_by_row(of_group, order, target))[1:],
    }


def _text(sentences: Sequence[str], sections: Sequence[Section]) -> str:
    verdict, *others = sentences
    pictures = {"ranking": ["![Criteria of each measure](forest.png)"], "within": ["![Psi on each data set](rows.png)"]}
    parts = [as_markdown(section, *pictures.get(section.figure, [])) for section in sections]
    return markdown.page(HEADING, f"**{verdict}**", *others, *parts)
