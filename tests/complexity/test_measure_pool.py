import json

import keras
import numpy as np
import pytest

from keras_sharpness.complexity import MEASURES, TrainedModel, measure
from keras_sharpness.complexity.measure_pool import measure_pool
from keras_sharpness.errors import InputError
from keras_sharpness.measures.sample import Sample
from keras_sharpness.pools.train_pool import train_pool

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
NAMES = ["param_norm", "dist_from_init", "inverse_margin", "gradient_norm", "worst_case"]
BATCHES = {"m": 8, "num_batches": 3}


def build(width=4):
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(width, "relu"), keras.layers.Dense(2)])


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    options = {"loss": LOSS, "stop_loss": 0.4, "max_epochs": 40, "output_dir": tmp_path_factory.mktemp("pool")}
    return train_pool(
        build, (X[:30], Y[:30]), (X[30:], Y[30:]), space={"learning_rate": [1e-5, 0.3]}, seeds=2, **options
    )


def test_a_pools_numbers_are_those_of_each_model(pool):
    table = measure_pool(pool, NAMES, targets={"noisy": (X + 1, Y)}, **BATCHES)
    # Those that missed the loss are left out.
    assert table["index"].tolist() == [1, 3] and (table["status"] == "reached").all()
    assert table.attrs["measures"] == NAMES and table.attrs["hyper_parameters"] == ["learning_rate"]
    for row in table.itertuples():
        model, member = pool.model(row.index), pool.load(row.index)
        sample = Sample(model, X[:30], Y[:30], LOSS, **BATCHES)
        alone = measure(TrainedModel(sample, initial=member.initial), NAMES)
        assert [getattr(row, name) for name in NAMES] == pytest.approx([alone[name].value for name in NAMES], rel=1e-4)
        assert row.worst_case_standard_error == pytest.approx(alone["worst_case"].standard_error, rel=1e-3)
        model.compile("sgd", LOSS, metrics=["accuracy"], run_eagerly=True)
        loss, accuracy = model.evaluate(X + 1, Y, verbose=0)
        assert (row.noisy_loss, row.noisy_error) == pytest.approx((loss, 1 - accuracy), rel=1e-5)
        wrong = model.predict(X[30:], verbose=0).argmax(axis=1) != Y[30:]
        assert row.worst_class_error == pytest.approx(max(wrong[Y[30:] == label].mean() for label in (0, 1)))
    # Exact measures have no standard error.
    assert "param_norm_standard_error" not in table


def test_what_was_measured_is_kept_as_long_as_it_is_the_same_question(pool, monkeypatch):
    first = measure_pool(pool, ["param_norm"], **BATCHES)
    asked = []
    monkeypatch.setattr(
        "keras_sharpness.complexity.measure_pool.measure", lambda *args: asked.append(args) or measure(*args)
    )
    assert measure_pool(pool, ["param_norm"], **BATCHES).equals(first) and not asked
    path = pool.store._measures.path(1)
    path.write_text(path.read_text()[:-9])
    measure_pool(pool, ["param_norm"], **BATCHES)
    assert len(asked) == 1 and json.loads(path.read_text())["values"]
    measure_pool(pool, ["param_norm"], m=8, num_batches=4)
    assert len(asked) == 3


def test_a_call_that_is_stopped_goes_on(pool):
    asked = iter(range(9))
    part = measure_pool(pool, ["l2_norm"], stop=lambda: next(asked) > 1, **BATCHES)
    assert len(part) == 1 and len(measure_pool(pool, ["l2_norm"], **BATCHES)) == 2


def test_measures_that_no_model_has_are_left_out_with_the_reason():
    regression = train_pool(lambda: build(), (X, X[:, :2]), (X, X[:, :2]), space=[{}], loss="mse", max_epochs=1)
    table = measure_pool(regression, "cheap", **BATCHES)
    assert "inverse_margin" not in table and "must be a classifier" in table.attrs["left_out"]["inverse_margin"]
    assert set(table.attrs["measures"]) | set(table.attrs["left_out"]) == {n for n, m in MEASURES.items() if m.cheap}
    with pytest.raises(InputError, match="inverse_margin: the model must be a classifier"):
        measure_pool(regression, ["inverse_margin"], **BATCHES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"measures": ["param_nrom"]}, "such as param_norm"),
        ({"statuses": ["ended"]}, "models whose training ended"),
        ({"targets": {"noisy": (X, Y[:3])}}, "`noisy`: `x` and `y` must hold equally many"),
        ({"targets": {"noisy": (X[:, :2], Y)}}, "inputs that the model takes"),
        ({"n": 3}, "further|unexpected"),
    ],
)
def test_bad_input_gets_one_line(pool, change, message):
    with pytest.raises((InputError, TypeError), match=message):
        measure_pool(pool, **{"measures": ["param_norm"], **change})
