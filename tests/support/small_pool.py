"""A small classification problem for pools."""

import keras
import numpy as np

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")
TRAIN, TEST = (X[:30], Y[:30]), (X[30:], Y[30:])
SPACE = {"width": [4, 6], "learning_rate": [0.1, 0.3], "batch_size": [10, 30]}
OPTIONS = {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "max_epochs": 3}


def build(width=4):
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(width, "relu"), keras.layers.Dense(2)])
