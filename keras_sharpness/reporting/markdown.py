"""Pages, sections and tables in Markdown."""

from collections.abc import Iterable


def page(heading: str, *parts: str) -> str:
    """Returns a page of paragraphs, tables and sections under a heading."""
    return "\n\n".join([f"# {heading}", *parts]) + "\n"


def section(heading: str, *parts: str) -> str:
    """Returns a part of a page under a heading of its own."""
    return "\n\n".join([f"## {heading}", *parts])


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Returns a table under a row of headings."""
    head = list(head)
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in [head, ["---"] * len(head), *rows])


def _cell(text: str) -> str:
    # A bar or a line break would end the cell.
    return " ".join(text.replace("|", "\\|").split())
