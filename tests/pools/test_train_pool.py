import json
import logging

import keras
import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.pools.train_pool import train_pool
from keras_sharpness.pools.trainer import Trainer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")
TRAIN, TEST = (X[:30], Y[:30]), (X[30:], Y[30:])
SPACE = {"width": [4, 6], "learning_rate": [0.1, 0.3], "batch_size": [10, 30]}
OPTIONS = {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "max_epochs": 3}


def build(width=4):
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(width, "relu"), keras.layers.Dense(2)])


def test_a_pool_holds_every_setting_from_every_seed():
    pool = train_pool(build, TRAIN, TEST, space=SPACE, seeds=2, **OPTIONS)
    table = pool.table()
    assert len(pool) == 16 and sorted(table["index"]) == [*range(16)] and table["seed"].nunique() == 16
    assert table.groupby([*SPACE]).size().tolist() == [2] * 8 and (table["status"] == "ended").all()
    for row in table[::5].itertuples():
        model = pool.model(row.index)
        assert model.layers[0].units == row.width
        model.compile("sgd", OPTIONS["loss"], metrics=["accuracy"], run_eagerly=True)
        for name, split in (("training", TRAIN), ("test", TEST)):
            loss, accuracy = model.evaluate(*split, verbose=0)
            assert getattr(row, f"{name}_loss") == pytest.approx(loss, rel=1e-5)
            assert getattr(row, f"{name}_error") == pytest.approx(1 - accuracy, abs=1e-6)
        assert row.gap == row.test_loss - row.training_loss and row.error_gap == row.test_error - row.training_error


def test_models_of_one_family_share_a_compiled_step(monkeypatch):
    made = []
    monkeypatch.setattr(
        "keras_sharpness.pools.architecture.Trainer",
        lambda *args, **kwargs: made.append(args[5]) or Trainer(*args, **kwargs),
    )
    train_pool(build, TRAIN, TEST, space=SPACE | {"weight_decay": [0, 0.1]}, seeds=3, **OPTIONS)
    assert made == [12] * 4


def test_training_stops_at_the_same_loss_and_names_those_that_miss_it():
    pool = train_pool(
        build, TRAIN, TEST, space={"learning_rate": [1e-4, 0.5]}, seeds=2, stop_loss=0.4, **OPTIONS | {"max_epochs": 30}
    )
    table = pool.table().set_index("learning_rate")
    assert (table.loc[1e-4, "status"] == "missed").all() and (table.loc[0.5, "status"] == "reached").all()
    assert (table.loc[0.5, "training_loss"] <= 0.4).all() and (table.loc[0.5, "epochs"] < 30).all()
    assert "2 reached, 2 missed" in repr(pool)
    # One epoch less would not have reached it.
    fewer = int(table.loc[0.5, "epochs"].iloc[0]) - 1
    short = train_pool(
        build, TRAIN, TEST, space={"learning_rate": [1e-4, 0.5]}, seeds=1, **OPTIONS | {"max_epochs": fewer}
    )
    assert short.rows[1]["training_loss"] > 0.4


def test_a_model_that_diverges_says_so():
    pool = train_pool(build, TRAIN, TEST, space={"learning_rate": [1e30]}, stop_loss=0.1, **OPTIONS)
    assert pool.rows[0]["status"] == "diverged"


def test_a_pool_goes_on_with_the_same_numbers(tmp_path):
    whole = train_pool(build, TRAIN, TEST, space=SPACE, seeds=2, output_dir=tmp_path / "whole", **OPTIONS)
    asked = iter(range(100))
    options = OPTIONS | {"output_dir": tmp_path / "part"}
    part = train_pool(build, TRAIN, TEST, space=SPACE, seeds=1, stop=lambda: next(asked) > 5, **options)
    assert 0 < len(part) < 8
    for path in [*(tmp_path / "part" / "pool").glob("*.npz")][:1]:
        path.write_bytes(path.read_bytes()[:-9])
    again = train_pool(build, TRAIN, TEST, space=SPACE, seeds=2, **options)
    assert len(again) == 16
    for ours, theirs in zip(again.rows, whole.rows, strict=True):
        assert {k: v for k, v in ours.items() if isinstance(v, (int, str))} == {
            k: v for k, v in theirs.items() if isinstance(v, (int, str))
        }
        assert ours["test_loss"] == pytest.approx(theirs["test_loss"], rel=1e-5)
    with pytest.raises(InputError, match="a pool with the same settings.*differing=.'epochs'"):
        train_pool(build, TRAIN, TEST, space=SPACE, seeds=2, **options | {"max_epochs": 4})
    fewer = (X[:29], Y[:29])
    with pytest.raises(InputError, match="a pool with the same settings.*differing=.'data'"):
        train_pool(build, fewer, TEST, space=SPACE, seeds=2, **options)
    afresh = train_pool(build, TRAIN, TEST, space={"width": [4]}, resume=False, **options)
    assert len(afresh) == 1 and PoolStore(tmp_path / "part").trained() == {0}
    assert json.loads((tmp_path / "part" / "pool.json").read_text())["settings"] == [{"width": 4}]


def test_a_setting_that_fails_is_named_and_the_others_go_on(caplog):
    def fails(width):
        return build(width if width > 0 else 1 / 0)

    with caplog.at_level(logging.WARNING):
        pool = train_pool(fails, TRAIN, TEST, space={"width": [4, 0, 6]}, **OPTIONS)
    assert [row["width"] for row in pool.rows] == [4, 6] and [*pool.failures] == [1]
    assert "setting {'width': 0} is not trained: `build` must return a model" in caplog.text
    assert "1 settings failed" in repr(pool)


def test_each_seed_draws_anew_unless_weights_are_drawn_with_numpy():
    first, second = (train_pool(build, TRAIN, TEST, space={"width": [4]}, seeds=2, **OPTIONS) for _ in range(2))
    starts = [pool.load(index).initial[0] for pool in (first, second) for index in range(2)]
    np.testing.assert_array_equal(starts[0], starts[2])
    assert not np.allclose(starts[0], starts[1])
    drawn = train_pool(build, TRAIN, TEST, space={"width": [4]}, initialization="glorot_uniform", **OPTIONS).load(0)
    assert not np.allclose(drawn.initial[0], starts[0])
    # Weights after the first epoch are kept too.
    assert not np.allclose(drawn.initial[0], drawn.first_epoch[0][0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"space": {"depth": [1]}}, "`space` must hold arguments of `build`, or learning_rate.*unknown=.'depth'"),
        ({"build": 3}, "`build` must be a function"),
        ({"build": lambda: 3, "space": {}}, "`build` must return a Keras model"),
        ({"test": (X[:, :2], Y)}, "at least one setting must train"),
        ({"test": (X, Y[:3])}, "`test`: `x` and `y` must hold equally many"),
        ({"optimizer": "newton"}, "`optimizer` must be one of Keras's"),
        ({"initialization": "zeros"}, "`initialization` must be None or one of"),
        ({"seeds": 0}, "`seeds` must be at least 1"),
        ({"stop_loss": -1.0}, "`stop_loss` must be finite and positive"),
    ],
)
def test_bad_input_gets_one_line(change, message):
    arguments = {"build": build, "train": TRAIN, "test": TEST, "space": {"width": [4]}, **OPTIONS} | change
    with pytest.raises(InputError, match=message):
        train_pool(**arguments)
