import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from keras_sharpness.objective.measurable import fixed_batch_size, require_logits

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = np.sin(X[:, :1])
LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def network(outputs=1, activation=None):
    return keras.Sequential([keras.Input((4,)), layers.Dense(8, name="hidden"), layers.Dense(outputs, activation)])


@pytest.mark.parametrize("mode", ["int8", "float8"])
def test_quantized_layers_are_named(mode):
    model = network()
    model.layers[0].quantize(mode)
    with pytest.raises(InputError, match=f"before it is quantized.*Received: .*'hidden': '{mode}'"):
        ks.Sample(model, X, Y, "mse")


@pytest.mark.parametrize("measure", [ks.worst_case_sharpness, ks.gradient_norm, ks.landscape.line])
def test_a_frozen_model_says_what_to_do(measure):
    model = network()
    model.trainable = False
    with pytest.raises(InputError, match="`model` must have trainable weights: set `trainable`.*4 weights, none"):
        measure(model, X, Y, "mse")


def test_float_types_of_16_bits_come_by_policy(monkeypatch):
    model = network()
    monkeypatch.setattr(keras.config, "floatx", lambda: "float16")
    with pytest.raises(InputError, match=r"must be float32 or float64; a policy .* Received: floatx='float16'"):
        ks.Sample(model, X, Y, "mse")


NESTED = keras.Sequential([keras.Input((4,)), network(3, "softmax")])


@pytest.mark.parametrize(
    ("model", "loss", "received"),
    [
        (network(3), "sparse_categorical_crossentropy", "loss='sparse_categorical_crossentropy'"),
        (network(3), keras.losses.KLDivergence(), "loss='kl_divergence'"),
        (network(3), {"a": LOGITS, "b": keras.losses.binary_crossentropy}, "loss='binary_crossentropy'"),
        (network(3, "softmax"), LOGITS, "activation='softmax'"),
        (NESTED, LOGITS, "activation='softmax'"),
        (keras.Sequential([keras.Input((4,)), layers.Softmax()]), LOGITS, "activation='softmax'"),
        (keras.Model(x := keras.Input((4,)), ops.sigmoid(x)), "mse", "activation='sigmoid'"),
        (network(1), keras.losses.BinaryCrossentropy(from_logits=True), r"output_shape=\(None, 1\)"),
    ],
)
def test_normalizing_what_is_no_logits_is_refused(model, loss, received):
    with pytest.raises(InputError, match=f"`normalize_logits` must be given logits.*Received: {received}"):
        require_logits(model, loss)


def test_logits_are_normalized():
    for model in (network(3), network(3, "tanh"), keras.Sequential([keras.Input((4,)), network(3)])):
        require_logits(model, LOGITS)
    model = network(3, "softmax")
    model.compile(loss=LOGITS)
    labels = np.arange(40) % 3
    with pytest.raises(InputError, match="`normalize_logits` must be given logits"):
        ks.Sample(model, X, labels, normalize_logits=True)
    assert ks.Sample(network(3), X, labels, LOGITS, normalize_logits=True)


def fixed(size):
    inputs = keras.Input(batch_shape=(size, 4))
    return keras.Model(inputs, layers.Dense(1)(ops.reshape(layers.Dense(8)(inputs), (size, 8))))


def test_a_fixed_batch_size_works_where_passes_have_it():
    assert fixed_batch_size(network()) is None
    for size in (8, 16):  # fewer than are tried out on other models, and more
        model = fixed(size)
        assert fixed_batch_size(model) == size
        assert ks.worst_case_sharpness(model, X, Y, "mse", rho=0.1, m=size, num_batches=2).value > 0
    options = {"examples": range(32), "batch_size": 8}
    pieces = ks.gradient_norm(fixed(8), X, Y, "mse", **options)
    assert pieces > 0
    assert ks.worst_case_sharpness(fixed(4), X, Y, "mse", rho=0.1, m=8, num_batches=2, batch_size=4).value > 0


def test_a_loss_of_ones_own_cannot_be_taken_in_pieces_of_a_fixed_size():
    loss = lambda targets, outputs: ops.mean((targets - outputs) ** 2)  # noqa: E731
    with pytest.raises(InputError, match="`batch_size` must be left out for a loss of your own"):
        ks.worst_case_sharpness(fixed(4), X, Y, loss, m=8, batch_size=4)


@pytest.mark.parametrize(
    ("measure", "options", "size"),
    [
        (ks.worst_case_sharpness, {"m": 8}, 8),
        (ks.worst_case_sharpness, {"m": 20, "batch_size": 16}, 4),
        (ks.hessian.trace, {}, 40),
        (ks.fisher_rao_norm, {}, 1),
    ],
)
def test_another_batch_size_than_the_fixed_one_is_refused(measure, options, size):
    with pytest.raises(InputError, match=f"forward passes must hold 16 examples.*Received: a pass of {size} examples"):
        measure(fixed(16), X, Y, "mse", **options)


def test_a_model_that_takes_any_batch_is_not_held_to_its_input():
    inputs = keras.Input(batch_shape=(16, 4))
    model = keras.Model(inputs, layers.Dense(1)(inputs))
    assert ks.worst_case_sharpness(model, X, Y, "mse", rho=0.1, m=8, num_batches=2).value > 0
