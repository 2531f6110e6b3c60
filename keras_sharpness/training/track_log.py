"""Rows of numbers along a training: all of them in a file, as many as fit in memory."""

import csv
from pathlib import Path

import pandas as pd

from keras_sharpness.training.thinned import Thinned


class TrackLog:
    """Keeps a bounded number of rows; when they are too many, every second one is dropped from memory."""

    def __init__(self, columns: tuple[str, ...], max_rows: int, path: Path | None) -> None:
        """Opens nothing before the first row.

        Args:
            columns: Names of the numbers.
            max_rows: Rows in memory at most.
            path: File of comma-separated values that gets every row at once; None: no file.
        """
        self.columns, self._path, self._count = columns, path, 0
        self._kept = Thinned[dict[str, float]](max_rows)

    @property
    def rows(self) -> list[dict[str, float]]:
        """The rows in memory, oldest first; the newest is always among them."""
        return self._kept.items

    def add(self, row: dict[str, float]) -> None:
        """Adds a row.

        Args:
            row: A number for each column.
        """
        if self._path is not None:
            self._append(self._path, row)
        self._count += 1
        self._kept.add(row)

    def to_frame(self) -> pd.DataFrame:
        """Returns the rows in memory as a table."""
        return pd.DataFrame(self.rows, columns=list(self.columns))

    def _append(self, path: Path, row: dict[str, float]) -> None:
        new = self._count == 0
        with path.open("w" if new else "a", newline="") as file:
            writer = csv.DictWriter(file, self.columns)
            if new:
                writer.writeheader()
            writer.writerow(row)
