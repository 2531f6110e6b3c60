"""A small atlas, from data to pages: two rows of random numbers, two splits, a few epochs."""

import json
import logging

import numpy as np
import pandas as pd
import pytest

from keras_sharpness.complexity import TrainedModel
from keras_sharpness.errors import InputError
from keras_sharpness.files.lock import alone_in
from keras_sharpness.studies.atlas import pools, protocol
from keras_sharpness.studies.atlas import rows as atlas_rows
from keras_sharpness.studies.atlas.entry import Entry, score
from keras_sharpness.studies.atlas.rows import Row
from keras_sharpness.studies.atlas.run import run_atlas
from keras_sharpness.studies.atlas.tables import read_tables
from keras_sharpness.studies.run import Stopped

SMALL = {
    "SPLIT_SEEDS": (0, 1),
    "SEEDS": 1,
    "PILOT_EPOCHS": 2,
    "MAX_EPOCHS": 40,
    "MEASURES": ("param_norm", "l2_distance", "worst_case"),
}
ROWS = [Row("classes"), Row("numbers")]


def examples_of(row, split_seed, data_dir=None):
    rng = np.random.default_rng([split_seed, len(row.data_set)])
    x = rng.normal(size=(60, 3)).astype("float32")
    if row.data_set == "missing":
        raise InputError("data must be installed")
    y, classes = x.sum(1, keepdims=True), 0
    if row.data_set == "classes":
        y, classes = (y[:, 0] > 0).astype("int64"), 2
    return atlas_rows._examples(row.network, (x[:30], y[:30]), (x[30:], y[30:]), classes)


@pytest.fixture(scope="module", autouse=True)
def _small():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.items():
            patch.setattr(protocol, name, value)
        patch.setattr(atlas_rows, "SIZES", {"dense": {"width": [2, 4], "depth": [1, 2]}})
        patch.setattr(atlas_rows, "RATES", {"learning_rate": [0.01, 0.05], "batch_size": [16]})
        patch.setattr(pools, "examples_of", examples_of)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("atlas")
    assert run_atlas(ROWS, folder) == {}
    return folder


def test_each_row_has_a_table_of_all_splits(folder):
    for table in read_tables(folder):
        assert set(table.models["split"]) == {0, 1} and table.known["num_train"] == 30
        assert (table.known["task"] == "classification") == (table.name == "classes") == ("test_error" in table.models)
        assert table.models[["param_norm", "worst_case"]].notna().all(axis=None)


def test_the_loss_at_which_training_stops_is_that_of_the_slowest_tenth_of_the_pilot(folder):
    table = next(table for table in read_tables(folder) if table.name == "numbers")
    lowest = []
    for path in sorted((folder / "pools" / "numbers" / "pilot" / "pool").glob("*.npz")):
        with np.load(path) as arrays:
            lowest.append(arrays["epoch_losses"].min())
    assert len(lowest) == 8 and table.known["stop_loss"] == max(lowest)
    reached = table.models[table.models["status"] == "reached"]
    assert (reached["training_loss"] <= table.known["stop_loss"] + 1e-6).all()


def test_the_pilot_sees_no_test_example(folder):
    train, test = json.loads((folder / "pools" / "numbers" / "pilot" / "pool.json").read_text())["data"]
    assert train == test


def test_members_of_a_later_split_do_not_start_from_weights_of_an_earlier_one(folder):
    # One model serves all splits; what an earlier one left in it must not be where a later one starts.
    for path in (folder / "pools" / "numbers" / "split-1" / "pool").glob("*.npz"):
        with np.load(path) as arrays:
            biases = [arrays[name] for name in arrays if name.startswith("initial_") and arrays[name].ndim == 1]
        assert biases and not np.any(np.concatenate(biases))


def test_a_row_that_is_done_is_not_measured_again(folder, monkeypatch):
    monkeypatch.setattr(pools, "train_pool", None)
    assert run_atlas(ROWS, folder) == {}


def test_a_row_in_work_elsewhere_and_one_without_data_are_passed_over(folder, tmp_path, caplog):
    with alone_in(tmp_path / "pools" / "classes"), caplog.at_level(logging.WARNING):
        reasons = run_atlas([Row("classes"), Row("missing")], tmp_path)
    assert "another process" in reasons["classes"] and reasons["missing"] == "data must be installed"
    assert "missing is passed over" in caplog.text


def test_a_stop_is_heard(tmp_path):
    with pytest.raises(Stopped):
        run_atlas(ROWS[:1], tmp_path, stop=lambda: True)


def test_an_entry_is_measured_on_the_stored_pools(folder, monkeypatch):
    monkeypatch.setattr("keras_sharpness.studies.atlas.entry.rows", lambda names: [Row(names[0])])
    seen = []

    def measure(trained):
        seen.append(trained)
        return float(sum(np.square(w).sum() for w in trained.vector))

    score(Entry("mine", measure, None), folder)
    found = pd.read_csv(folder / "entries" / "mine" / "criteria.csv")
    assert set(found["row"]) == {"classes", "numbers"} and isinstance(seen[0], TrainedModel)
    assert set(found["measure"]) == {"mine"}
