"""A part of a report, the same in each of its forms."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """A table with its heading.

    Attributes:
        heading: What it shows.
        rows: Cells; the first row is the head.
        note: What a reader must know, in sentences.
        figure: Name of the figure that goes with it on a page; "" for none.
    """

    heading: str
    rows: Sequence[Sequence[str]]
    note: str = ""
    figure: str = ""
