"""What the tracker logs agrees with dense matrices and direct searches in float64."""

import keras
import numpy as np
import pandas as pd
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from tests.support import sam_reference as slow
from tests.support.sam_reference import X, Y

OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.2, 2, 0.8)),
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.5),
    "adam": lambda: keras.optimizers.Adam(0.05),
    "adamw": lambda: keras.optimizers.AdamW(0.05, weight_decay=0.1),
}
STEPS = 5


class Weights(keras.callbacks.Callback):
    """Notes the weights where the tracker before it measures."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_begin(self, logs=None):
        self.seen.append([np.array(w, np.float64) for w in self.model.get_weights()])

    def on_train_batch_end(self, batch, logs=None):
        self.on_train_begin()


def track(optimizer, epochs=STEPS, **options):
    model = slow.network()
    model.compile(optimizer, "mean_squared_error")
    tracker, weights = ks.SharpnessTracker(X, Y, every_steps=1, **options), Weights()
    model.fit(X, Y, epochs=epochs, batch_size=len(X), verbose=0, shuffle=False, callbacks=[tracker, weights])
    return tracker.to_frame(), weights.seen


def at(vector, like):
    arrays = np.split(vector, np.cumsum([a.size for a in like])[:-1])
    return slow.value_and_gradient([a.reshape(b.shape) for a, b in zip(arrays, like, strict=True)], X, Y)


def dense_hessian(w):
    vector, step = slow.flat(w), 1e-5
    rows = [slow.flat(at(vector + e, w)[1]) - slow.flat(at(vector - e, w)[1]) for e in step * np.eye(len(vector))]
    return np.array(rows) / (2 * step)


def critical(w, direction):
    """The smallest rate at which the loss rises, on a fine grid and then by bisection."""
    vector, start = slow.flat(w), slow.value_and_gradient(w, X, Y)[0]
    if slow.flat(slow.value_and_gradient(w, X, Y)[1]) @ direction <= 0:
        return np.nan
    rises = [rate for rate in np.geomspace(1e-4, 1e3, 2000) if at(vector - rate * direction, w)[0] > start]
    low, high = rises[0] / 1.01, rises[0]
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if at(vector - middle * direction, w)[0] > start else (middle, high)
    return 2 / high


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_row_agrees_with_dense_matrices_and_a_direct_search(name):
    optimizer = OPTIMIZERS[name]()
    table, weights = track(optimizer)
    assert table["step"].tolist() == list(range(STEPS + 1))
    square, decay = 0.0, 0.999
    for step, (row, w) in enumerate(zip(table.to_dict("records"), weights, strict=True)):
        loss, gradient = slow.value_and_gradient(w, X, Y)
        gradient, hessian = slow.flat(gradient), dense_hessian(w)
        values, vectors = np.linalg.eigh(hessian)
        rate = 0.2 * 0.8 ** (step / 2) if name == "sgd" else {"momentum": 0.1}.get(name, 0.05)
        assert row["loss"] == pytest.approx(loss, rel=1e-5)
        assert row["gradient_norm"] == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
        assert row["two_over_rate"] == pytest.approx(2 / rate, rel=1e-5)
        assert row["eigenvalue"] == pytest.approx(values[-1], rel=2e-5)
        cosine = abs(gradient @ vectors[:, -1]) / np.linalg.norm(gradient)
        assert row["cosine"] == pytest.approx(cosine, abs=2e-3)
        if "adam" in name:
            square = decay * square + (1 - decay) * gradient**2
            bias = 1 - 0.9 ** (step + 1)
            scale = 1 / np.sqrt(bias * (np.sqrt(square / (1 - decay ** (step + 1))) + 1e-7))
            preconditioned = np.linalg.eigvalsh(scale[:, None] * hessian * scale)[-1]
            assert row["preconditioned"] == pytest.approx(preconditioned, rel=1e-3)
        else:
            assert np.isnan(row["preconditioned"])
        if step < STEPS:
            # What the optimizer then did: the tracker's examples are those of the step.
            direction = (slow.flat(w) - slow.flat(weights[step + 1])) / rate
            assert row["critical"] == pytest.approx(critical(w, direction), rel=0.02, nan_ok=True)


def test_worst_case_sharpness_is_that_of_the_measure():
    ball = ks.Ball(rho=0.05, norm="l2", scaling="none")
    table, weights = track(keras.optimizers.SGD(0.1), epochs=1, ball=ball, measures=("worst_case",))
    model = slow.network()
    model.set_weights(weights[-1])
    ascent = ks.PGA(num_steps=5, step_size="auto")
    options = {"rho": 0.05, "norm": "l2", "scaling": "none", "maximizer": ascent, "m": None, "regularization": True}
    expected = ks.worst_case_sharpness(model, X, Y, "mean_squared_error", **options).value
    assert table["worst_case"].iloc[-1] == pytest.approx(expected, rel=1e-4)
    assert table[["eigenvalue", "critical"]].isna().all(axis=None)


@pytest.mark.parametrize("around", [lambda model: model, ks.SAM], ids=["plain", "sam"])
def test_training_goes_on_as_without_and_the_logs_have_the_numbers(around, tmp_path):
    plain, tracked = around(slow.network()), around(slow.network())
    log, file = keras.callbacks.CSVLogger(str(tmp_path / "log.csv")), tmp_path / "rows.csv"
    tracker = ks.SharpnessTracker(X, Y, every_steps=4, csv_file=file, measures=("eigenvalue", "critical"))
    for model, callbacks in ((plain, []), (tracked, [tracker, log])):
        model.compile(keras.optimizers.Adam(0.01), "mean_squared_error")
        model.fit(X, Y, batch_size=10, epochs=2, shuffle=False, verbose=0, callbacks=callbacks)
    for a, b in zip(plain.get_weights(), tracked.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    rows = pd.read_csv(file)
    assert rows["step"].tolist() == [0, 4, 8]
    np.testing.assert_allclose(pd.read_csv(tmp_path / "log.csv")["eigenvalue"], rows["eigenvalue"][1:])
    assert [axes.get_ylabel() for axes in tracker.plot().axes] == ["loss", "curvature", "critical sharpness"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every_steps": 0}, "`every_steps` must be at least 1"),
        ({"measures": ("trace",)}, "`measures` must be among"),
        ({"select": "kernels"}, "further arguments must be among"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        ks.SharpnessTracker(X, Y, **options)
