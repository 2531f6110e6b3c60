import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.data.tables.entries import find
from keras_sharpness.data.tables.rule import failed_clause
from keras_sharpness.errors import is_installed


# One of each way to read: of tabs, of KEEL with words, in several files, of spreadsheets, packed, without a header.
@pytest.mark.parametrize("name", ["airfoil", "car", "vehicle", "concrete", "digits", "banana"])
def test_a_table_is_what_the_catalogue_says_and_passes_the_rule(name):
    entry = find(name)
    missing = [package for package in (entry.package, "openpyxl") if not is_installed(package)]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    table = ks.data.load_table(name)
    assert table.x.shape == (entry.rows, entry.features) and table.num_classes == entry.classes
    assert (table.name, table.task, table.source, table.licence) == (name, entry.task, entry.source, entry.licence)
    assert np.isfinite(table.x).all() and table.x.dtype == np.float32
    if entry.classes:
        assert table.y.dtype == np.int64 and np.unique(table.y).tolist() == list(range(entry.classes))
    else:
        assert table.y.dtype == np.float32 and table.y.shape == (entry.rows, 1)
    assert not failed_clause(table)
    few = ks.data.load_table(name, rows=300, seed=1)
    assert len(few.x) == len(few.y) == 300
    assert np.array_equal(few.x, ks.data.load_table(name, rows=300, seed=1).x)
