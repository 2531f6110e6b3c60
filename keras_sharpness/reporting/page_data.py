"""Figures of a page as plain numbers for its script."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.reporting.axes import choose_axis

# Models that a browser draws and a page of a few megabytes holds, and their numbers, where there are many columns.
MOST_SHOWN, MOST_NUMBERS = 10_000, 500_000
AXES = {"vertical": "Up", "horizontal": "Across"}
HOW_TO_POINT = """A point per model. Drag a rectangle to select models. A click or Enter selects a model or removes it
from the selection, arrow keys go to the next model, Escape clears the selection. Triangles are models outside the
axes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PageFigure:
    """A figure that the page's script draws.

    Attributes:
        name: What it shows, for screen readers.
        caption: How to read it, or why it is missing.
        data: What the script draws, fit for JSON; None if it is missing.
        controls: Choices above it: the label of each, by its name in the page.
    """

    name: str
    caption: str
    data: dict[str, Any] | None
    controls: dict[str, str] = dataclasses.field(default_factory=dict)


def axis_column(name: str, label: str, values: pd.Series, bars: np.ndarray) -> dict[str, Any]:
    """Returns a quantity that models can be shown along.

    Args:
        name: Its name.
        label: The label of its axis.
        values: Its value for each model.
        bars: Half length of the bar of each.
    """
    numbers = values.to_numpy(dtype=float)
    finite = np.isfinite(numbers)
    scale, limits = choose_axis(numbers[finite], bars[finite])
    return {
        "name": name,
        "label": label,
        "scale": scale,
        "limits": limits,
        "values": finite_numbers(numbers),
        "bars": bars.tolist() if bars.any() else None,
    }


def drawn(models: pd.DataFrame, num_columns: int) -> tuple[pd.DataFrame, str]:
    """Returns the models that a page shows: all, or of a large pool as many as a browser draws at once, at random.

    Args:
        models: A row per model.
        num_columns: Numbers that the page holds of each.

    Returns:
        The rows that are shown, in their order; and what the caption says of it, if they are not all.
    """
    most = min(MOST_SHOWN, MOST_NUMBERS // num_columns)
    if len(models) <= most:
        return models, ""
    chosen = np.random.default_rng(0).choice(len(models), most, replace=False)
    return models.iloc[np.sort(chosen)], f" Shown are {most:,} of the {len(models):,} models, drawn at random."


def member_texts(models: pd.DataFrame, names: tuple[str, ...]) -> dict[str, list[str]]:
    """Returns what tells models apart: their index, and those of some columns that they have.

    Args:
        models: A row per model.
        names: The columns.
    """
    index = models["index"] if "index" in models else models.index.to_series()
    # Text, as JavaScript would round a seed of 64 bits.
    texts = {"model": index, **{name: models[name] for name in names if name in models}}
    return {name: column.astype(str).tolist() for name, column in texts.items()}


def finite_numbers(values: np.ndarray) -> list[float | None]:
    """Returns numbers as JSON takes them: None in place of what is not finite."""
    return [value if np.isfinite(value) else None for value in values.tolist()]
