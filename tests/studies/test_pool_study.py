import json

import keras
import numpy as np
import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.studies.pool_study import PoolStudy, run_pool_study
from keras_sharpness.studies.run import Stopped

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype("float32")
Y = (X.sum(axis=1) + RNG.normal(size=60) > 0).astype("int32")
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
SPACE = {"learning_rate": [0.1, 0.2, 0.3, 0.4], "weight_decay": [0, 0.1]}


def build():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(2)])


def study(**change):
    parts = {"space": SPACE, "training": {"loss": LOSS, "max_epochs": 2}, "measures": ["param_norm", "l2_distance"]}
    splits = {"train": (X[:30], Y[:30]), "test": (X[30:], Y[30:]), "targets": {"noisy": (X[30:] + 1, Y[30:])}}
    return PoolStudy(build=build, **parts | splits | change)


def test_a_folder_holds_models_ranking_and_what_was_counted(tmp_path):
    best = run_pool_study(study(), tmp_path, command="python main.py --study=mine.py")
    models, ranking = pd.read_csv(tmp_path / "models.csv"), pd.read_csv(tmp_path / "ranking.csv")
    assert len(models) == 8 and {"param_norm", "l2_distance", "gap", "noisy_loss", "test_error"} <= {*models}
    assert set(ranking["target"]) == {
        "gap",
        "test_loss",
        "error_gap",
        "test_error",
        "worst_class_error",
        "noisy_loss",
        "noisy_error",
    }
    pd.testing.assert_frame_equal(
        ranking[ranking["target"] == "gap"].drop(columns="target").reset_index(drop=True),
        best.drop(columns="target", errors="ignore"),
    )
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["kinds"] == {"param_norm": "norm", "l2_distance": "norm"} and summary["statuses"] == {"ended": 8}
    assert {*pd.read_csv(tmp_path / "environments.csv")} == {
        "hyper_parameter",
        "first",
        "second",
        "pairs",
        "others",
        "param_norm",
        "l2_distance",
    }
    before = (tmp_path / "models.csv").read_text()
    run_pool_study(study(), tmp_path)
    assert (tmp_path / "models.csv").read_text() == before


def test_a_pool_of_few_settings_has_a_table_and_no_ranking(tmp_path):
    assert run_pool_study(study(space={"learning_rate": [0.1, 0.2]}), tmp_path) is None
    assert (tmp_path / "models.csv").exists() and not (tmp_path / "ranking.csv").exists()


def test_a_study_that_is_stopped_says_so(tmp_path):
    asked = iter(range(9))
    with pytest.raises(Stopped):
        run_pool_study(study(), tmp_path, stop=lambda: next(asked) > 3)
    assert not (tmp_path / "models.csv").exists()


def test_measures_are_checked_before_anything_is_trained():
    with pytest.raises(InputError, match="names of measures"):
        study(measures=["nonsense"])
