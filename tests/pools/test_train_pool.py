import keras
import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.pools.train_pool import train_pool
from tests.support.small_pool import OPTIONS, SPACE, TEST, TRAIN, X, Y, build


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


def test_keras_may_compute_in_float64():
    options = {"space": {"width": [4]}, "seeds": 2, "initialization": "glorot_uniform", **OPTIONS}
    expected = train_pool(build, TRAIN, TEST, **options).table()
    try:
        keras.config.set_floatx("float64")
        found = train_pool(build, TRAIN, TEST, **options).table()
    finally:
        keras.config.set_floatx("float32")
    np.testing.assert_allclose(found["training_loss"], expected["training_loss"], rtol=1e-5)
