"""What the figures of the page on a pool over hyper-parameters show, as plain numbers for its script."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.reporting.colour_classes import colour_classes
from keras_sharpness.reporting.environments_of_measure import errors_of, worst_cells
from keras_sharpness.reporting.page_data import (
    AXES,
    HOW_TO_POINT,
    PageFigure,
    axis_column,
    drawn,
    finite_numbers,
    member_texts,
)
from keras_sharpness.reporting.pool_findings import target_name
from keras_sharpness.reporting.pool_folder import PoolFolder
from keras_sharpness.reporting.pool_sections import ranking_rows, within_rows
from keras_sharpness.reporting.ranked_measures import CRITERIA, Ranking, criteria

ENDS = ("", "_low", "_high", "_all_low", "_all_high")
BINS = 20
DIGITS = 6


def pool_figures(pool: PoolFolder, rankings: Sequence[Ranking]) -> dict[str, PageFigure]:
    """Returns the figures of the page.

    Args:
        pool: The pool.
        rankings: The ranking of each target; the first is shown first.

    Returns:
        By name: "ranking", "within", "scatter", and "environments" if there are any.
    """
    within = "Of the target that is chosen above. Blue: positive. Orange: negative. The stronger, the farther from 0."
    figures = {
        "ranking": _ranking(pool, rankings),
        "within": PageFigure(name="Tau within each hyper-parameter", caption=within, data=None),
        "scatter": _scatter(pool, rankings[0]),
    }
    return figures | ({"environments": _environments(pool, rankings[0])} if len(pool.environments) else {})


def _ranking(pool: PoolFolder, rankings: Sequence[Ranking]) -> PageFigure:
    names = criteria(pool)
    targets = [
        {
            "label": target_name(ranking.target),
            "rows": interval_rows(ranking.rows, names),
            "cells": ranking_rows(pool, ranking)[1:],
            "within": within_rows(ranking)[1:],
        }
        for ranking in rankings
    ]
    return intervals_figure(names, targets, "Target")


def intervals_figure(names: Sequence[str], targets: Sequence[dict[str, Any]], choice: str) -> PageFigure:
    """Returns the figure of measures with their intervals.

    Args:
        names: The criteria, as `CRITERIA` names them.
        targets: For each choice its "label", "rows" (see `interval_rows`) and the cells of both tables.
        choice: Label of that choice.
    """
    shown = [{"name": name, "label": CRITERIA[name][0], "limits": _with_margin(*CRITERIA[name][1:])} for name in names]
    return PageFigure(
        name="Measures with their intervals, kind by kind",
        caption=(
            "Thick bars: 95 % intervals of each measure alone. Thin bars: intervals that hold for all measures at "
            "once; where they include 0, the measure is grey. Click a head of the table to sort by it."
        ),
        data={"criteria": shown, "targets": targets},
        controls={"target": choice, "criterion": "Criterion"},
    )


def interval_rows(rows: pd.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    """Returns what the script draws of each measure.

    Args:
        rows: A row per measure: `measure`, `kind`, and each criterion with the ends of both intervals.
        names: The criteria.
    """
    return [_intervals(row, names) for row in rows.to_dict("records")]


def _with_margin(low: float, high: float) -> tuple[float, float]:
    margin = 0.03 * (high - low)
    return low - margin, high + margin


def _intervals(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    values = {name: finite_numbers(np.array([row[f"{name}{end}"] for end in ENDS], float)) for name in names}
    return {"measure": row["measure"], "kind": row["kind"], "values": values}


def _scatter(pool: PoolFolder, ranking: Ranking) -> PageFigure:
    measures = ranking.measures
    numbers = [name for name in pool.hyper_parameters if pool.ranked[name].dtype.kind in "iuf"]
    # The axes that are shown first: the best measure, and the target.
    others = dict.fromkeys([*pool.targets, *measures[1:], *pool.ranking["measure"], *numbers])
    names = dict.fromkeys([measures[0], ranking.target, *others])
    models, some = drawn(pool.ranked, len(names))
    bars = np.zeros(len(models))
    colours = [colour_classes(models[name]) for name in pool.hyper_parameters]
    return PageFigure(
        name="Models: one quantity against another",
        caption=f"{' '.join(HOW_TO_POINT.split())}{some}",
        data={
            "some": bool(some),
            "members": member_texts(models, ("seed", "epochs", "setting", *pool.hyper_parameters)),
            "columns": [axis_column(name, name.replace("_", " "), _rounded(models[name]), bars) for name in names],
            "colours": [
                {
                    "name": c.name,
                    "labels": c.labels,
                    "ordered": c.ordered,
                    "places": c.places(),
                    "numbers": c.numbers.tolist(),
                }
                for c in colours
            ],
        },
        controls=AXES | {"colour": "Colour"},
    )


def _rounded(values: pd.Series) -> pd.Series:
    """Returns six significant digits of each, which keep the page of a large pool small."""
    numbers = values.to_numpy(float)
    known = np.isfinite(numbers) & (numbers != 0)
    scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.abs(numbers[known]))))
    numbers = numbers.copy()
    numbers[known] = np.round(numbers[known] * scale) / scale
    return pd.Series(numbers)


def _environments(pool: PoolFolder, ranking: Ranking) -> PageFigure:
    edges = np.linspace(0, 1, BINS + 1)
    measures = [_of_measure(pool, name, turned, edges) for name, turned in ranking.turned.items()]
    return PageFigure(
        name="Distribution of sign errors over environments",
        caption="How many environments have which sign error. The table holds the ten worst of the chosen measure.",
        data={"edges": edges.tolist(), "measures": [found for found in measures if found["worst"]]},
        controls={"measure": "Measure"},
    )


def _of_measure(pool: PoolFolder, measure: str, turned: bool, edges: np.ndarray) -> dict[str, Any]:
    errors = errors_of(pool, measure, turned)
    shares, worst = errors["error"].to_numpy(float), [list(cells) for cells in worst_cells(errors)]
    marks = {"mean": float(shares.mean()), "worst": float(shares.max())} if worst else {}
    return {"name": measure, "counts": np.histogram(shares, edges)[0].tolist(), "marks": marks, "worst": worst}
