import csv

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError

X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
Y = X[:, :1] ** 2


def network():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)])
    model.compile("sgd", "mean_squared_error")
    return model


def test_logs_what_a_measurement_after_each_epoch_would_find(tmp_path):
    after = []

    class Check(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            after.append(ks.worst_case_sharpness(self.model, X, Y, rho=0.01, m=16, num_batches=4, seed=3).value)

    log = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    callback = ks.SharpnessCallback(X, Y, rho=0.01, m=16, num_batches=4, seed=3)
    history = network().fit(X, Y, epochs=3, verbose=0, callbacks=[callback, Check(), log]).history
    np.testing.assert_allclose(history["sharpness"], after, rtol=1e-5)
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    np.testing.assert_allclose([float(row["sharpness"]) for row in rows], after, rtol=1e-5)


def test_training_goes_on_as_without():
    plain, measured = network(), network()
    plain.fit(X, Y, epochs=2, verbose=0, shuffle=False)
    measured.fit(X, Y, epochs=2, verbose=0, shuffle=False, callbacks=[ks.SharpnessCallback(X, Y)])
    for a, b in zip(plain.get_weights(), measured.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("every", "measured"), [(2, [0, 1, 3]), (lambda epoch: epoch == 2, [0, 2])])
def test_other_epochs_than_the_first_and_those_of_the_schedule_repeat_the_last_number(every, measured):
    callback = ks.SharpnessCallback(X, Y, every=every)
    history = network().fit(X, Y, epochs=4, verbose=0, callbacks=[callback]).history["sharpness"]
    assert [*callback.measured] == measured
    assert history == [callback.measured[max(k for k in measured if k <= epoch)] for epoch in range(4)]


def test_callbacks_that_monitor_it_keep_an_epoch_that_was_measured(tmp_path):
    numbers = iter([3.0, 2.0, 5.0])
    callback = ks.SharpnessCallback(X, Y, every=3, name="number", measure=lambda *_: next(numbers))
    best = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "{epoch}.keras"), monitor="number", mode="min", save_best_only=True
    )
    stop = keras.callbacks.EarlyStopping(monitor="number", mode="min", patience=3)
    model = network()
    history = model.fit(X, Y, epochs=9, verbose=0, callbacks=[callback, best, stop]).history["number"]
    assert history == [3, 3, 2, 2, 2, 5]
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["1", "3"]


def test_a_model_that_its_first_batch_builds():
    model = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)])
    model.compile("sgd", "mean_squared_error")
    callback = ks.SharpnessCallback(X, Y, rho=0.1)
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[callback]).history["sharpness"]
    assert history[-1] == pytest.approx(ks.worst_case_sharpness(model, X, Y, rho=0.1, num_batches=10).value, rel=1e-5)


def test_any_measure():
    def slope(model, x, y):
        return ks.gradient_norm(model, x, y)

    callback = ks.SharpnessCallback(X, Y, name="slope", measure=slope)
    model = network()
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[callback]).history
    assert history["slope"][-1] == pytest.approx(ks.gradient_norm(model, X, Y), rel=1e-5)


def test_tensorboard_writes_it(tmp_path):
    pytest.importorskip("tensorboard")
    board = keras.callbacks.TensorBoard(str(tmp_path))
    network().fit(X, Y, epochs=1, verbose=0, callbacks=[ks.SharpnessCallback(X, Y), board])
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("events*"))
    assert b"epoch_sharpness" in written


def test_bad_arguments_are_refused():
    with pytest.raises(InputError, match="`every` must be at least 1"):
        ks.SharpnessCallback(X, Y, every=0)
    with pytest.raises(InputError, match="`rho` must be finite"):
        ks.SharpnessCallback(X, Y, rho=-1.0)
    with pytest.raises(InputError, match="`measure` must be a function"):
        ks.SharpnessCallback(X, Y, measure="sharpness")
