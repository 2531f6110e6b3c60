"""Rows of numbers along a training: all of them in a file, as many as fit in memory."""

import csv
from pathlib import Path

import pandas as pd


class TrackLog:
    """Keeps a bounded number of rows; when they are too many, every second one is dropped from memory.

    Attributes:
        rows: The rows in memory, oldest first; the newest is always among them.
    """

    def __init__(self, columns: tuple[str, ...], max_rows: int, path: Path | None) -> None:
        """Opens nothing before the first row.

        Args:
            columns: Names of the numbers.
            max_rows: Rows in memory at most.
            path: File of comma-separated values that gets every row at once; None: no file.
        """
        self.columns, self.rows = columns, list[dict[str, float]]()
        self._max_rows, self._path, self._stride, self._count = max_rows, path, 1, 0

    def add(self, row: dict[str, float]) -> None:
        """Adds a row.

        Args:
            row: A number for each column.
        """
        if self._path is not None:
            self._append(self._path, row)
        # The newest row stays only if it is one of each `stride`.
        if self.rows and (self._count - 1) % self._stride:
            self.rows.pop()
        self.rows.append(row)
        self._count += 1
        if len(self.rows) > self._max_rows:
            self._stride *= 2
            newest = self.rows[-1]
            self.rows = self.rows[::2]
            if self.rows[-1] is not newest:
                self.rows.append(newest)

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
