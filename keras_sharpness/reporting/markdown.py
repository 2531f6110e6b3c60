"""Pages, sections and tables in Markdown."""

import re
from collections.abc import Iterable


def page(heading: str, *parts: str) -> str:
    """Returns a page of paragraphs, tables and sections under a heading."""
    return "\n\n".join([f"# {_line(heading)}", *parts]) + "\n"


def section(heading: str, *parts: str) -> str:
    """Returns a part of a page under a heading of its own."""
    return "\n\n".join([f"## {heading}", *parts])


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Returns a table under a row of headings."""
    head = list(head)
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in [head, ["---"] * len(head), *rows])


def code(text: str, language: str = "") -> str:
    """Returns a block of code, between fences that the text itself does not hold."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    # A bar or a line break would end the cell.
    return _line(text.replace("|", "\\|"))
