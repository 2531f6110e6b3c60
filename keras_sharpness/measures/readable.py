"""What a terminal and a notebook show of a result: a line, a small table, a figure."""

import abc
import html
import io

import numpy as np
from numpy.typing import ArrayLike


class Readable(abc.ABC):
    """A result that is shown in one line, and in notebooks as a table, with its figure if it has one."""

    @abc.abstractmethod
    def summary(self) -> dict[str, str]:
        """Returns what is shown, by name; the value first."""

    def __repr__(self) -> str:
        """Returns the summary in one line."""
        return f"{type(self).__name__}({', '.join(f'{name}={text}' for name, text in self.summary().items())})"

    def _repr_html_(self) -> str:
        """Returns the summary as a table, and the figure as an inline SVG."""
        rows = "".join(
            f'<tr><th style="text-align:left">{html.escape(name)}</th>'
            f'<td style="text-align:left">{html.escape(text)}</td></tr>'
            for name, text in self.summary().items()
        )
        plot = getattr(self, "plot", None)
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>{_svg(plot()) if plot else ''}"


def number(value: float) -> str:
    """Returns a number to four digits."""
    return f"{value:.4g}"


def with_error(value: float, standard_error: float) -> str:
    """Returns a number and its standard error, if that is known."""
    return number(value) if np.isnan(standard_error) else f"{number(value)} +- {standard_error:.2g}"


def interval(values: ArrayLike) -> str:
    """Returns the smallest and the largest of some numbers."""
    return f"{number(np.min(values))} to {number(np.max(values))}"


def _svg(figure: object) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg")  # type: ignore[attr-defined]
    # Without the header that belongs to a file of its own.
    return buffer.getvalue()[buffer.getvalue().index("<svg") :]
