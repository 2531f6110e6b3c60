"""The rule that chooses tables. It was written before any network was trained, and looks at no result of training.

A table passes if, after rows with a missing value have been left out and words have been encoded,

- it has more than 500 rows and from 2 to 100 features;
- for regression, its target has at least 20 different values, and no value is that of more than half of the rows;
- for classification, it has from 2 to 20 classes, each of at least 20 rows and none of more than 90 % of them;
- no other table of the catalogue that passes holds the same data.
"""

import numpy as np

from keras_sharpness.data.tables.table import Table

MIN_ROWS = 501
FEATURES = range(2, 101)
MIN_VALUES = 20
MAX_SHARE_OF_A_VALUE = 0.5
CLASSES = range(2, 21)
MIN_ROWS_OF_A_CLASS = 20
MAX_SHARE_OF_A_CLASS = 0.9


def failed_clause(table: Table) -> str:
    """Names the first clause that a table does not fulfil, other than that about the same data.

    Args:
        table: The table.

    Returns:
        What the table has and must not have, such as "500 rows"; empty if it passes.
    """
    rows, features = table.x.shape
    if rows < MIN_ROWS:
        return f"{rows} rows, of at least {MIN_ROWS}"
    if features not in FEATURES:
        return f"{features} features, of {FEATURES[0]} to {FEATURES[-1]}"
    counts = np.unique(table.y, return_counts=True)[1]
    return _of_regression(counts) if table.task == "regression" else _of_classification(counts)


def _of_regression(counts: np.ndarray) -> str:
    if len(counts) < MIN_VALUES:
        return f"{len(counts)} different targets, of at least {MIN_VALUES}"
    share = counts.max() / counts.sum()
    return f"one target in {share:.1%} of its rows" if share > MAX_SHARE_OF_A_VALUE else ""


def _of_classification(counts: np.ndarray) -> str:
    if len(counts) not in CLASSES:
        return f"{len(counts)} classes, of {CLASSES[0]} to {CLASSES[-1]}"
    if counts.min() < MIN_ROWS_OF_A_CLASS:
        return f"a class of {counts.min()} rows, of at least {MIN_ROWS_OF_A_CLASS}"
    share = counts.max() / counts.sum()
    return f"one class in {share:.1%} of its rows" if share > MAX_SHARE_OF_A_CLASS else ""
