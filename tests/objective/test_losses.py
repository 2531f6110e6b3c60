import keras
import numpy as np
import pytest
from keras import ops

from keras_sharpness.errors import InputError
from keras_sharpness.objective.losses import BatchLoss

LOGITS = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 5.0], [4.0, 0.0, 0.0]], "float32")
LABELS = np.array([0, 1, 2, 2], "int32")  # three right, one wrong
MODEL = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), LABELS),
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), LABELS[:, None]),
        ("sparse_categorical_crossentropy", LABELS),
        ("categorical_crossentropy", np.eye(3, dtype="float32")[LABELS]),
        (keras.losses.CategoricalCrossentropy(from_logits=True), np.eye(3, dtype="float32")[LABELS]),
    ],
)
def test_error_rate_of_classes(loss, targets):
    batch_loss = BatchLoss(MODEL, loss)
    assert batch_loss.counts_errors
    error = batch_loss.error(ops.convert_to_tensor(targets), ops.convert_to_tensor(LOGITS))
    assert float(error) == pytest.approx(0.25)


@pytest.mark.parametrize(("from_logits", "outputs"), [(True, [-1.0, 2.0, 0.3]), (False, [0.2, 0.9, 0.6])])
def test_error_rate_of_two_classes(from_logits, outputs):
    loss = keras.losses.BinaryCrossentropy(from_logits=from_logits)
    targets, outputs = (ops.convert_to_tensor(np.array(a, "float32")[:, None]) for a in ([0, 1, 0], outputs))
    assert float(BatchLoss(MODEL, loss).error(targets, outputs)) == pytest.approx(1 / 3)


def test_no_error_rate_for_regression_and_own_functions():
    assert not BatchLoss(MODEL, "mean_squared_error").counts_errors
    assert not BatchLoss(MODEL, lambda y, p: p).counts_errors


def test_normalized_logits_do_not_depend_on_their_size_or_mean():
    loss = BatchLoss(MODEL, keras.losses.SparseCategoricalCrossentropy(from_logits=True), normalize_logits=True)
    labels = ops.convert_to_tensor(LABELS)
    values = [float(loss.mean(labels, ops.convert_to_tensor(f * LOGITS + c))) for f, c in ((1, 0), (7, 0), (1, 3))]
    np.testing.assert_allclose(values, values[0], rtol=1e-5)
    centred = LOGITS - LOGITS.mean(axis=1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    expected = np.mean(np.log(np.exp(unit).sum(axis=1)) - unit[np.arange(4), LABELS])
    assert values[0] == pytest.approx(expected, rel=1e-5)


def two_outputs(**options):
    x = keras.Input((2,))
    model = keras.Model(x, [keras.layers.Dense(1, name="size")(x), keras.layers.Dense(3, name="kind")(x)])
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss={"kind": cross_entropy, "size": "mean_squared_error"}, **options)
    return model


@pytest.mark.parametrize("weights", [None, {"size": 0.5, "kind": 2.0}])
def test_losses_of_several_outputs_add_up_with_their_weights(weights):
    model = two_outputs(loss_weights=weights)
    sizes, guesses = np.array([[1.0], [2.0]], "float32"), np.array([[1.5], [4.0]], "float32")
    squared = np.mean((sizes - guesses) ** 2)
    entropy = np.mean(np.log(np.exp(LOGITS[:2]).sum(axis=1)) - LOGITS[[0, 1], LABELS[:2]])
    targets = {"size": ops.convert_to_tensor(sizes), "kind": ops.convert_to_tensor(LABELS[:2])}
    outputs = [ops.convert_to_tensor(guesses), ops.convert_to_tensor(LOGITS[:2])]
    of_size, of_kind = (weights or {"size": 1, "kind": 1}).values()
    loss = BatchLoss(model, None)
    assert float(loss.mean(targets, outputs)) == pytest.approx(of_size * squared + of_kind * entropy, rel=1e-5)
    assert not loss.counts_errors


def test_names():
    assert BatchLoss(MODEL, "mse").name == "mean_squared_error"
    assert BatchLoss(MODEL, keras.losses.Huber()).name == "huber_loss"


def test_unknown_losses_are_refused():
    with pytest.raises(InputError, match="`loss` must be a Keras loss, its name or a function"):
        BatchLoss(MODEL, "no such loss")
    with pytest.raises(InputError, match="`loss` must be given when the model is not compiled"):
        BatchLoss(MODEL, None)
