"""A small atlas: two rows of random numbers, two splits, a few epochs."""

import contextlib

import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.studies.atlas import pools, protocol
from keras_sharpness.studies.atlas import rows as atlas_rows
from keras_sharpness.studies.atlas.atlas_run import run_atlas
from keras_sharpness.studies.atlas.rows import Row

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


@contextlib.contextmanager
def small_protocol():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.items():
            patch.setattr(protocol, name, value)
        # One architecture, which compiles once.
        patch.setattr(atlas_rows, "SIZES", {"dense": {"width": [4], "depth": [1]}})
        patch.setattr(atlas_rows, "RATES", {"learning_rate": [0.01, 0.02, 0.03, 0.05], "weight_decay": [0.0, 0.01]})
        patch.setattr(pools, "examples_of", examples_of)
        yield


@pytest.fixture
def small_rows():
    """The protocol is small in a test; returns its rows."""
    with small_protocol():
        yield ROWS


@pytest.fixture(scope="session")
def small_atlas(tmp_path_factory):
    """Returns the folder of a small atlas."""
    folder = tmp_path_factory.mktemp("atlas")
    with small_protocol():
        assert run_atlas(ROWS, folder) == {}
    return folder
