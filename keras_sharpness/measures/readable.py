"""What every result can do: be shown in a terminal and a notebook, become a dictionary or a table, be saved."""

import abc
import dataclasses
import html
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.files.json_values import json_ready

if TYPE_CHECKING:
    import pandas as pd


class Readable(abc.ABC):
    """A result: one line in a terminal; in a notebook a table, with its figure if it has one.

    Results are frozen dataclasses. They can be pickled, and saved in a file of arrays that needs no trust.
    """

    @abc.abstractmethod
    def summary(self) -> dict[str, str]:
        """Returns what is shown, by name; the value first."""

    def columns(self) -> dict[str, ArrayLike]:
        """Returns the columns of `to_frame`, by name."""
        shown = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))  # type: ignore[arg-type]
        return {name: [value] for name, value in shown if isinstance(value, (int, float, str))}

    def to_frame(self) -> "pd.DataFrame":
        """Returns a table: a row for each batch, sample, eigenvalue, point or draw, whichever was measured."""
        import pandas as pd

        return pd.DataFrame(self.columns())

    def to_dict(self) -> dict[str, Any]:
        """Returns all that was measured, JSON-ready: arrays as lists, non-finite numbers as None."""
        first = {name: getattr(self, name) for name in ("value", "standard_error") if hasattr(self, name)}
        fields: dict[str, Any] = json_ready(first | _fields(self))
        return {"kind": type(self).__name__} | fields

    def save(self, path: str | Path) -> None:
        """Writes the result to a file, which appears whole or not at all; `ks.load_result` reads it.

        Args:
            path: Name of the file.

        Raises:
            InputError: If it cannot be written.
        """
        from keras_sharpness.measures.saved_result import save_result

        save_result(self, Path(path))

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


def _fields(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _fields(entry) for name, entry in value.items()}
    if not dataclasses.is_dataclass(value):
        return value
    return {field.name: _fields(getattr(value, field.name)) for field in dataclasses.fields(value)}
