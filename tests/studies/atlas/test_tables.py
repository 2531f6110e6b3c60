"""The published tables: written last, read with what is known of them."""

import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.studies.atlas.rows import Row
from keras_sharpness.studies.atlas.tables import read_tables, table_path, write_table
from tests.support import atlas_tables


def test_a_table_is_read_as_it_was_written(tmp_path):
    models = atlas_tables.models(0)
    written = write_table(tmp_path, Row("one"), models, atlas_tables.known())
    (read,) = read_tables(tmp_path)
    pd.testing.assert_frame_equal(read.models, models, rtol=1e-8, check_dtype=False)
    assert read.known == written.known and read.known["task"] == "classification"
    assert read.models.attrs["measures"] == read.known["measures"] and read.known["kinds"]["param_norm"] == "norm"


def test_a_row_has_no_table_before_all_is_known_of_it(tmp_path):
    with pytest.raises(TypeError):
        write_table(tmp_path, Row("one"), atlas_tables.models(0), atlas_tables.known() | {"left_out": {1, 2}})
    assert not table_path(tmp_path, "one").exists()


def test_a_table_that_is_none_is_refused(tmp_path):
    atlas_tables.write(tmp_path, ["one"])
    table_path(tmp_path, "one").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"one\.csv must be a table of the atlas"):
        read_tables(tmp_path)
