"""A table of a report with its heading."""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from keras_sharpness.reporting import markdown
from keras_sharpness.reporting.wording import interval, number

TAU_HEAD = ("tau", "95 % interval", "models")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """A table with its heading.

    Attributes:
        heading: What it shows.
        rows: Cells; the first row is the head. Without rows there is no table.
        note: What a reader must know, in sentences.
        figure: Name of the figure that a page shows with it; "" if there is none.
        look: Classes of the page's style: "sortable", "sortable heat"; "" for a plain table.
    """

    heading: str
    rows: Sequence[Sequence[str]]
    note: str = ""
    figure: str = ""
    look: str = ""


def tau_cells(row: Any) -> tuple[str, str, str]:
    """Returns the cells under `TAU_HEAD` of a row with `tau`, `tau_ci_low`, `tau_ci_high` and `num_models`."""
    return number(row.tau), interval(row.tau_ci_low, row.tau_ci_high), f"{row.num_models:g}"


def values(heading: str, items: Iterable[tuple[str, Any]]) -> Iterator[Section]:
    """Yields a table of names and values, unless there are none.

    Args:
        heading: Its heading.
        items: Names and values.

    Yields:
        The table.
    """
    rows = [(name, plain(value)) for name, value in items]
    if rows:
        yield Section(heading=heading, rows=[("", "value"), *rows])


def plain(value: Any) -> str:
    """Returns a value as text: numbers with six significant digits, lists without brackets."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list) and all(isinstance(entry, str | int | float) for entry in value):
        return ", ".join(map(plain, value))
    return value if isinstance(value, str) else json.dumps(value)


def as_markdown(section: Section, *parts: str) -> str:
    """Returns a table with its heading and note in Markdown.

    Args:
        section: The table.
        *parts: What stands between the heading and the table, such as a picture.
    """
    table = [markdown.table(section.rows[0], section.rows[1:])] if section.rows else []
    return markdown.section(section.heading, *parts, *table, *filter(None, [section.note]))
