"""The loss is what `model.evaluate` says, for every loss of Keras and every form of targets that `fit` accepts."""

import importlib.util

import keras
import numpy as np
import pytest
from keras import layers, ops

from tests.support.evaluating import (
    CLASSES,
    LABELS,
    NUMBERS,
    STEPS,
    TOKENS,
    N,
    X,
    check,
    check_pieces,
    dense,
    evaluated,
    measured,
    name_of,
    tagger,
)

RNG = np.random.default_rng(1)
CLASS_LOSSES = [
    "sparse_categorical_crossentropy",
    "crossentropy",
    keras.losses.CategoricalGeneralizedCrossEntropy(),
    keras.losses.SparseCategoricalCrossentropy(ignore_class=1),
    keras.losses.SparseCategoricalCrossentropy(reduction="sum"),
]
ONE_HOT_LOSSES = [
    *("categorical_crossentropy", "categorical_focal_crossentropy", "categorical_hinge", "kl_divergence", "poisson"),
    *("dice", "tversky", "cosine_similarity", "log_cosh", "huber", "mean_squared_error", "mean_absolute_error"),
    *("mean_squared_logarithmic_error", "mean_absolute_percentage_error", "squared_hinge", "hinge", "ce"),
    keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
]
ONE_NUMBER_LOSSES = [
    *("mean_squared_error", "mse", "mean_absolute_error", "huber", "log_cosh", "poisson", "hinge", "squared_hinge"),
    *("binary_crossentropy", "binary_focal_crossentropy", "mean_squared_logarithmic_error", "dice", "tversky"),
    *("kl_divergence", "categorical_hinge", "crossentropy"),
    keras.losses.BinaryCrossentropy(label_smoothing=0.2),
    keras.losses.MeanSquaredError(reduction="sum"),
    keras.losses.MeanSquaredError(reduction="mean_with_sample_weight"),
    lambda y, p: ops.square(y - p),
]


@pytest.mark.parametrize("form", [lambda y: y, lambda y: y[:, None], lambda y: [y], lambda y: y.astype("float32")])
@pytest.mark.parametrize("loss", CLASS_LOSSES, ids=name_of)
def test_classes(loss, form):
    model = dense(CLASSES, "softmax")
    model.compile(loss=loss, run_eagerly=True)
    check(model, X, form(LABELS))


@pytest.mark.parametrize("loss", ONE_HOT_LOSSES, ids=name_of)
def test_one_hot_classes(loss):
    model = dense(CLASSES, "softmax")
    model.compile(loss=loss, run_eagerly=True)
    check(model, X, np.eye(CLASSES, dtype="float32")[LABELS])


@pytest.mark.parametrize("form", [lambda y: y.astype(bool), lambda y: [y[:, None]]])
@pytest.mark.parametrize("loss", ONE_NUMBER_LOSSES, ids=name_of)
def test_one_number(loss, form):
    model = dense(1, "sigmoid")
    model.compile(loss=loss, run_eagerly=True)
    check(model, X, form((LABELS > 0).astype("float32")))


@pytest.mark.parametrize("weights", [np.arange(N), np.arange(N)[:, None].astype("float32"), np.eye(1, N)[0]])
@pytest.mark.parametrize(
    "loss",
    ["mse", "binary_crossentropy", keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")],
    ids=name_of,
)
def test_sample_weights(loss, weights):
    model = dense(1, "sigmoid")
    model.compile(loss=loss, run_eagerly=True)
    check_pieces(model, X, (LABELS > 0).astype("float32"), sample_weight=weights)


def test_class_weights_are_those_of_fit():
    model = dense(CLASSES, "softmax")
    model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.SGD(0.0))
    weights = {0: 0.5, 2: 3.0}
    history = model.fit(X, LABELS, class_weight=weights, batch_size=N, verbose=0)
    for y in (LABELS, LABELS[:, None]):
        assert measured(model, X, y, class_weight=weights) == pytest.approx(history.history["loss"][0], rel=1e-5)


def test_batches_of_three_hold_sample_weights():
    model = dense(1, "sigmoid")
    model.compile(loss="mse")
    y, weights = (LABELS > 0).astype("float32"), np.arange(N, dtype="float32")
    batches = [(X[:4], y[:4], weights[:4]), (X[4:], y[4:], weights[4:])]
    assert measured(model, iter(batches), None) == pytest.approx(evaluated(model, X, y, weights), rel=1e-5)


@pytest.mark.parametrize("weights", [None, RNG.random((N, STEPS))], ids=["none", "steps"])
@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        keras.losses.SparseCategoricalCrossentropy(ignore_class=2),
        keras.losses.SparseCategoricalCrossentropy(reduction="sum"),
        keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight"),
    ],
    ids=name_of,
)
def test_masked_sequences(loss, weights):
    model, y = tagger(), RNG.integers(0, CLASSES, (N, STEPS))
    model.compile(loss=loss, run_eagerly=True)
    check_pieces(model, TOKENS, y, sample_weight=weights)


def two_outputs(structure):
    x = keras.Input((5,))
    a, b = layers.Dense(1, name="a")(x), layers.Dense(2, name="b")(x)
    return keras.Model(x, {"list": [a, b], "dict": {"a": a, "b": b}, "nested": {"a": a, "more": {"b": b}}}[structure])


A, B = NUMBERS, RNG.normal(size=(N, 2)).astype("float32")


@pytest.mark.parametrize(
    ("structure", "loss", "weights", "y"),
    [
        ("list", "mse", None, [A, B]),
        ("list", ["mse", "mae"], [1.0, 3.0], [A, B]),
        ("list", ["mse", None], None, [A, B]),
        ("list", {"a": "mse", "b": "mae"}, {"a": 0.5, "b": 2.0}, {"a": A, "b": B}),
        ("list", {"a": "mse", "b": None}, None, {"a": A, "b": B}),
        ("dict", {"a": "mse", "b": "mae"}, None, {"b": B, "a": A}),
        ("dict", {"b": "mae"}, None, {"a": A, "b": B}),
        ("nested", {"a": "mse", "more": {"b": "mae"}}, None, {"a": A, "more": {"b": B}}),
    ],
)
def test_several_outputs(structure, loss, weights, y):
    model = two_outputs(structure)
    model.compile(loss=loss, loss_weights=weights)
    check_pieces(model, X, y)


class Adding(layers.Layer):
    def call(self, x):
        self.add_loss(0.1 * ops.mean(ops.square(x)))
        return x


def test_added_losses_count_and_regularizers_only_if_asked_for():
    regularized = layers.Dense(1, kernel_regularizer="l2", activity_regularizer=keras.regularizers.L2(0.01))
    model = keras.Sequential([keras.Input((5,)), layers.Dense(4), Adding(), regularized])
    model.compile(loss="mse")
    expected = evaluated(model, X, A)
    assert measured(model, X, A, regularization=True) == pytest.approx(expected, rel=1e-5)
    hidden = X @ model.layers[0].get_weights()[0] + model.layers[0].get_weights()[1]
    plain = np.mean((model.predict(X, verbose=0) - A) ** 2) + 0.1 * np.mean(hidden**2)
    assert measured(model, X, A) == pytest.approx(plain, rel=1e-5)
    assert plain < expected - 1e-3


OTHERS = [b for b in ("jax", "torch") if importlib.util.find_spec(b) and b != keras.config.backend()]
# Losses by name are Keras's own code on every backend; what is ours is how it is called.
FEW = "masked or weights or outputs or added or (one_number and (mean_squared_error or function))"


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="the other backends are tried from TensorFlow")
@pytest.mark.parametrize("backend", OTHERS)
def test_on_the_other_backends(backend, run_python):
    process = run_python(
        "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", __file__, "-k", FEW, KERAS_BACKEND=backend
    )
    assert process.returncode == 0, process.stdout[-3000:]
