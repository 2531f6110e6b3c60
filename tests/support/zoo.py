"""Models as users bring them, each with a little data and its loss; none is trained."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

RNG = np.random.default_rng(0)
NUM_EXAMPLES = 12


@dataclasses.dataclass
class Example:
    model: keras.Model
    x: Any
    y: Any
    loss: Any


def _images():
    return RNG.normal(size=(NUM_EXAMPLES, 8, 8, 2)).astype("float32")


def _tokens():
    return RNG.integers(1, 20, (NUM_EXAMPLES, 6)).astype("int32")


def _labels(classes=3):
    return RNG.integers(0, classes, NUM_EXAMPLES).astype("int32")


def _cross_entropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def convolutional():
    model = keras.Sequential(
        [
            *(keras.Input((8, 8, 2)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()),
            *(layers.DepthwiseConv2D(3), layers.GlobalAveragePooling2D(), layers.Dropout(0.3), layers.Dense(3)),
        ]
    )
    return Example(model, _images(), _labels(), _cross_entropy())


def transformer():
    tokens = keras.Input((6,), dtype="int32")
    x = layers.Embedding(20, 8)(tokens)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4, dropout=0.1)(x, x))
    x = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(x))
    return Example(keras.Model(tokens, x), _tokens(), np.eye(3, dtype="float32")[_labels()], "categorical_crossentropy")


def lstm():
    model = keras.Sequential(
        [
            *(keras.Input((6,), dtype="int32"), layers.Embedding(20, 4, mask_zero=True)),
            *(layers.Bidirectional(layers.LSTM(3)), layers.Dense(1, activation="sigmoid")),
        ]
    )
    return Example(model, _tokens(), _labels(2)[:, None].astype("float32"), "binary_crossentropy")


def sequence_to_sequence():
    model = keras.Sequential([keras.Input((6, 2)), layers.GRU(4, return_sequences=True), layers.Dense(2)])
    x, y = (RNG.normal(size=(NUM_EXAMPLES, 6, 2)).astype("float32") for _ in range(2))
    return Example(model, x, y, "mean_absolute_error")


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.normalize = layers.Dense(5, activation="tanh"), layers.LayerNormalization()
        self.drop, self.out = layers.Dropout(0.5), layers.Dense(1)

    def call(self, x, training=False):
        return self.out(self.drop(self.normalize(self.hidden(x["a"]) * x["b"]), training=training))


def subclassed():
    x = {"a": RNG.normal(size=(NUM_EXAMPLES, 4)).astype("float32"), "b": RNG.normal(size=(NUM_EXAMPLES, 1)).astype("f")}
    model = Subclassed()
    model(x)
    return Example(model, x, RNG.normal(size=(NUM_EXAMPLES, 1)), keras.losses.Huber())


def two_inputs_two_outputs():
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    joined = layers.Concatenate()([layers.Dense(4, activation="relu")(a), b])
    outputs = [layers.Dense(1, name="size")(joined), layers.Dense(3, name="kind")(joined)]
    model = keras.Model([a, b], outputs)
    losses = {"size": "mean_squared_error", "kind": _cross_entropy()}
    model.compile("adam", loss=losses, loss_weights={"size": 0.5, "kind": 2.0})
    x = [RNG.normal(size=(NUM_EXAMPLES, n)).astype("float32") for n in (4, 3)]
    y = {"size": RNG.normal(size=(NUM_EXAMPLES, 1)).astype("float32"), "kind": _labels()}
    return Example(model, x, y, None)


def mixed_precision():
    model = keras.Sequential(
        [
            *(keras.Input((4,)), layers.Dense(8, activation="relu", dtype="mixed_bfloat16")),
            layers.Dense(1, dtype="float32"),
        ]
    )
    x = RNG.normal(size=(NUM_EXAMPLES, 4)).astype("float32")
    return Example(model, x, RNG.normal(size=(NUM_EXAMPLES, 1)).astype("float32"), "mean_squared_error")


ZOO: dict[str, Callable[[], Example]] = {
    fn.__name__: fn
    for fn in (
        *(convolutional, transformer, lstm, sequence_to_sequence),
        *(subclassed, two_inputs_two_outputs, mixed_precision),
    )
}
# Their names, as parameters of a test.
QUICK = ("convolutional", "subclassed")
NAMES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ZOO]
