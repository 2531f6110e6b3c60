"""Tables of numbers from packages of the Python registry, chosen by a rule: see `catalogue.csv` and `rule`.

Nothing of their data is in this package. The files are read where pip has put them, and their sums are checked.
"""

from keras_sharpness.data.tables import columns, packages
from keras_sharpness.data.tables.entries import Entry, find, tables
from keras_sharpness.data.tables.table import Table

__all__ = ["Table", "load_table", "read", "tables"]


def load_table(name: str, rows: int | None = None, seed: int = 0) -> Table:
    """Loads a table.

    Args:
        name: One of `tables()`.
        rows: At most so many rows, drawn at random with equal shares of the classes; None: all.
        seed: Seed of that draw.

    Returns:
        The table. It is not standardized yet; `Table.split` does that.

    Raises:
        InputError: If there is no such table, its package is not installed, or its files are not those of the
            catalogue.
    """
    table = read(find(name))
    return table if rows is None else table.take(seed, rows)


def read(entry: Entry) -> Table:
    """Reads the table of a line of the catalogue, whether or not it passes the rule.

    Args:
        entry: The line.

    Returns:
        The table with all its rows.

    Raises:
        InputError: If its package is not installed, or its files are not those of the line.
    """
    contents = packages.contents(entry)
    if entry.format == "mnist1d":
        x, y = packages.generate_mnist1d()
    else:
        drop = [column for column in entry.drop.split(";") if column]
        x, y = columns.encode(columns.parse(contents, entry.format), entry.target, drop, entry.task)
    return Table(
        name=entry.name,
        x=x,
        y=y,
        task=entry.task,
        num_classes=int(y.max(initial=-1)) + 1 if entry.task == "classification" else 0,
        source=entry.source,
        licence=entry.licence,
    )
