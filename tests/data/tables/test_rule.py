import numpy as np
import pytest

from keras_sharpness.data import Table
from keras_sharpness.data.tables.rule import failed_clause


def table(y, features=2):
    task = "regression" if y.ndim == 2 else "classification"
    return Table(name="t", x=np.zeros((len(y), features)), y=y, task=task, num_classes=0, source="", licence="")


def targets(most, values, rows=1000):
    """Targets of a regression: so many values, the first in so many rows, the others in about as many rows each."""
    return np.r_[np.zeros(most), 1 + np.arange(rows - most) % (values - 1)][:, None]


@pytest.mark.parametrize(
    ("passes", "fails", "clause"),
    [
        (table(targets(10, 20, 501)), table(targets(10, 20, 500)), "500 rows, of at least 501"),
        (table(targets(10, 20), 2), table(targets(10, 20), 1), "1 features, of 2 to 100"),
        (table(targets(10, 20), 100), table(targets(10, 20), 101), "101 features, of 2 to 100"),
        (table(targets(10, 20)), table(targets(10, 19)), "19 different targets, of at least 20"),
        (table(targets(500, 20)), table(targets(501, 20)), "one target in 50.1% of its rows"),
        (table(np.arange(1000) % 20), table(np.arange(1000) % 21), "21 classes, of 2 to 20"),
        (table(np.arange(1000) % 2), table(np.arange(1000) % 1), "1 classes, of 2 to 20"),
        (
            table(np.repeat([0, 1, 2], [500, 480, 20])),
            table(np.repeat([0, 1, 2], [500, 481, 19])),
            "a class of 19 rows",
        ),
        (table(np.repeat([0, 1], [900, 100])), table(np.repeat([0, 1], [901, 99])), "one class in 90.1% of its rows"),
    ],
)
def test_each_clause_at_its_bound(passes, fails, clause):
    assert failed_clause(passes) == ""
    assert failed_clause(fails).startswith(clause)
