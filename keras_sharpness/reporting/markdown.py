"""Tables in Markdown."""

from collections.abc import Iterable


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Returns a table under a row of headings."""
    head = list(head)
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in [head, ["---"] * len(head), *rows])


def _cell(text: str) -> str:
    # A bar or a line break would end the cell.
    return " ".join(text.replace("|", "\\|").split())
