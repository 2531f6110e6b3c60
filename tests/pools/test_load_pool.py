import keras
import numpy as np
import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.models.interop import to_torch
from keras_sharpness.pools.load_pool import load_pool

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)).astype("float32"), RNG.normal(size=(20, 1)).astype("float32")
TABLE = pd.DataFrame({"width": [4, 4, 6], "slope": [0.0, 0.3, 0.0]})


def build(width, slope=0.0):
    layers = [keras.layers.Dense(width), keras.layers.LeakyReLU(slope), keras.layers.Dense(1)]
    return keras.Sequential([keras.Input((3,)), *layers])


def models():
    return [build(**row) for row in TABLE.to_dict("records")]


def check(pool, expected):
    for row, model in zip(pool.rows, expected, strict=True):
        model.compile("sgd", "mse")
        assert row["test_loss"] == pytest.approx(model.evaluate(X[10:], Y[10:], verbose=0), rel=1e-5)
        np.testing.assert_array_equal(pool.model(row["index"]).get_weights()[0], model.get_weights()[0])


def test_models_in_memory_keep_their_weights():
    given = models()
    before = [model.get_weights() for model in given]
    pool = load_pool(given, (X[:10], Y[:10]), (X[10:], Y[10:]), table=TABLE, loss="mse")
    assert pool.hyper_parameters == ("width", "slope") and [row["setting"] for row in pool.rows] == [0, 1, 2]
    for model, weights in zip(given, before, strict=True):
        for ours, theirs in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    check(pool, given)


def test_models_share_a_family_only_if_they_compute_the_same():
    given = [build(4), build(4), build(4, 0.3), build(6)]
    # The same shapes and kinds of layers, by another function.
    odd = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4), keras.layers.Lambda(lambda x: x), keras.layers.Dense(1)]
    )
    table = pd.DataFrame({"number": range(5)})
    pool = load_pool([*given, odd], (X, Y), (X, Y), table=table, loss="mse")
    assert sorted([*family.indices] for family in pool.families()) == [[0, 1], [2], [3], [4]]


def test_a_folder_of_files_leaves_out_and_names_a_damaged_one(tmp_path):
    given = models()
    for name, model in zip("abc", given, strict=True):
        model.save(tmp_path / f"{name}.keras")
    (tmp_path / "b.keras").write_bytes(b"nothing")
    TABLE.assign(file=["a.keras", "b.keras", "c.keras"]).to_csv(tmp_path / "table.csv", index=False)
    pool = load_pool(tmp_path, (X, Y), (X[10:], Y[10:]), table=tmp_path / "table.csv", loss="mse")
    assert [*pool.failures] == [1] and "b.keras must be a whole file" in pool.failures[1]
    check(pool, [given[0], given[2]])


def test_state_dicts_of_pytorch_go_into_models_that_are_built():
    given = models()
    states = [to_torch(model) for model in given]
    check(load_pool(states, (X, Y), (X[10:], Y[10:]), table=TABLE, loss="mse", build=build), given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"table": TABLE[:2]}, "a row for each model"),
        ({"table": "nowhere.csv"}, "`table` must be a CSV file or a DataFrame"),
        ({"hyper_parameters": ["depth"]}, "a column for each hyper-parameter.*depth"),
        ({"models": "nowhere"}, "the folder of their files"),
        ({"models": [1, 2, 3]}, "must hold Keras models, files of them, or with `build`"),
        ({"train": (X[:, :2], Y)}, "at least one model must load.*training inputs"),
    ],
)
def test_bad_input_gets_one_line(change, message):
    arguments = {"models": models(), "train": (X, Y), "test": (X, Y), "table": TABLE, "loss": "mse"} | change
    with pytest.raises(InputError, match=message):
        load_pool(**arguments)
