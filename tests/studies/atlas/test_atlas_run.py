"""A small atlas is trained and measured; what is done, in work elsewhere or without data is passed over."""

import logging

import pytest

from keras_sharpness.files.lock import alone_in
from keras_sharpness.studies.atlas import pools
from keras_sharpness.studies.atlas.atlas_run import run_atlas
from keras_sharpness.studies.atlas.rows import Row
from keras_sharpness.studies.atlas.tables import read_tables
from keras_sharpness.studies.run import Stopped


def test_each_row_has_a_table_of_all_splits(small_atlas):
    for table in read_tables(small_atlas):
        assert set(table.models["split"]) == {0, 1} and table.known["num_train"] == 30
        assert (table.known["task"] == "classification") == (table.name == "classes") == ("test_error" in table.models)
        assert table.models[["param_norm", "worst_case"]].notna().all(axis=None)


def test_a_row_that_is_done_is_not_measured_again(small_atlas, small_rows, monkeypatch):
    monkeypatch.setattr(pools, "train_pool", None)
    assert run_atlas(small_rows, small_atlas) == {}


def test_a_row_in_work_elsewhere_and_one_without_data_are_passed_over(small_rows, tmp_path, caplog):
    with alone_in(tmp_path / "pools" / "classes"), caplog.at_level(logging.WARNING):
        reasons = run_atlas([*small_rows[:1], Row("missing")], tmp_path)
    assert "another process" in reasons["classes"] and reasons["missing"] == "data must be installed"
    assert "missing is passed over" in caplog.text


def test_a_stop_is_heard(small_rows, tmp_path):
    with pytest.raises(Stopped):
        run_atlas(small_rows[:1], tmp_path, stop=lambda: True)
