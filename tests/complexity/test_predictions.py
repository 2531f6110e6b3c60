import keras
import numpy as np
import pytest
from keras import layers

import keras_sharpness as ks
from keras_sharpness.complexity.predictions import predict
from keras_sharpness.errors import InputError
from tests.support.complexity_models import learned, perceptron, randomize

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 5)).astype("float32")
LABELS = RNG.integers(0, 3, 50).astype("int32")


def reference(logits, labels):
    return np.array([row[y] - max(np.delete(row, y)) for row, y in zip(logits, labels, strict=True)])


def of_loss(loss, activation, one_hot):
    model = perceptron()
    logits = model.predict(X, verbose=0).astype(np.float64)
    model.layers[-1].activation = keras.activations.get(activation)
    return ks.Sample(model, X, np.eye(3, dtype="float32")[LABELS] if one_hot else LABELS, loss), logits


@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize("activation", ["linear", "softmax"])
def test_margins_of_logits_and_of_probabilities(one_hot, activation):
    kind = "CategoricalCrossentropy" if one_hot else "SparseCategoricalCrossentropy"
    loss = getattr(keras.losses, kind)(from_logits=activation == "linear")
    sample, logits = of_loss(loss, activation, one_hot)
    found = predict(sample)
    expected = reference(logits, LABELS)
    np.testing.assert_allclose(found.margins, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found.margins < 0, logits.argmax(axis=1) != LABELS)
    assert found.error == pytest.approx(np.mean(expected < 0))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert found.loss == pytest.approx(-np.log(p[np.arange(50), LABELS]).mean(), rel=1e-4)
    assert found.entropy == pytest.approx(-(p * np.log(p)).sum(axis=1).mean(), rel=1e-4)


@pytest.mark.parametrize("activation", ["linear", "sigmoid"])
def test_margins_of_two_classes_with_one_output(activation):
    model = randomize(keras.Sequential([keras.Input((5,)), layers.Dense(1)]))
    odds = model.predict(X, verbose=0).ravel()
    model.layers[0].activation = keras.activations.get(activation)
    labels = (LABELS > 1).astype("float32")
    found = predict(ks.Sample(model, X, labels[:, None], keras.losses.BinaryCrossentropy(activation == "linear")))
    np.testing.assert_allclose(found.margins, np.where(labels > 0, odds, -odds), rtol=1e-4, atol=1e-5)
    assert found.error == pytest.approx(np.mean((odds > 0) != labels))


def test_pieces_give_the_same_and_count_with_their_sizes():
    model, weights = perceptron(), RNG.uniform(0.5, 2.0, 50).astype("float32")
    whole, pieces = (
        predict(learned(model, 50, wrong=7, sample_weight=weights, batch_size=size)) for size in (None, 16)
    )
    np.testing.assert_allclose(pieces.margins, whole.margins, rtol=1e-5, atol=1e-6)
    assert pieces.loss == pytest.approx(whole.loss, rel=1e-5)
    assert pieces.error == pytest.approx(weights[:7].sum() / weights.sum(), rel=1e-5)


def test_ignored_classes_have_no_margin():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1)
    sample, logits = of_loss(loss, "linear", False)
    keep = LABELS != 1
    np.testing.assert_allclose(predict(sample).margins, reference(logits[keep], LABELS[keep]), rtol=1e-4, atol=1e-4)


def test_outputs_of_more_axes_are_refused():
    model = randomize(keras.Sequential([keras.Input((4, 5)), layers.Dense(3)]))
    sample = ks.Sample(model, RNG.normal(size=(6, 4, 5)), np.zeros((6, 4), "int32"), "sparse_categorical_crossentropy")
    with pytest.raises(InputError, match="examples, classes"):
        predict(sample)
