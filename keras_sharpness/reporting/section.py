"""A table of a report with its heading."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras_sharpness.reporting.wording import interval, number

TAU_HEAD = ("tau", "95 % interval", "models")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """A table with its heading.

    Attributes:
        heading: What it shows.
        rows: Cells; the first row is the head.
        note: What a reader must know, in sentences.
        figure: Name of the figure that a page shows with it; "" if there is none.
    """

    heading: str
    rows: Sequence[Sequence[str]]
    note: str = ""
    figure: str = ""


def tau_cells(row: Any) -> tuple[str, str, str]:
    """Returns the cells under `TAU_HEAD` of a row with `tau`, `tau_ci_low`, `tau_ci_high` and `num_models`."""
    return number(row.tau), interval(row.tau_ci_low, row.tau_ci_high), f"{row.num_models:g}"
