"""Small networks of random weights for measures of complexity, and their samples."""

import keras
import numpy as np
from keras import layers

import keras_sharpness as ks

CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def randomize(model, seed=0):
    """Gives all weights random values; variances and scales positive ones."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        if variable.path.endswith(("variance", "gamma")):
            variable.assign(rng.uniform(0.5, 2.0, variable.shape))
        elif not variable.path.endswith(("seed_generator_state", "count")):
            variable.assign(rng.normal(scale=0.5, size=variable.shape))
    return model


def convolutional():
    """A classifier whose first normalization belongs to the layer before it, and whose second to the one after it."""
    steps = [
        *(keras.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.BatchNormalization(), layers.ReLU()),
        *(layers.MaxPooling2D(), layers.BatchNormalization(), layers.Flatten(), layers.Dropout(0.5)),
        *(layers.Dense(4, "relu"), layers.Dense(3)),
    ]
    return randomize(keras.Sequential(steps))


def perceptron(units=(4, 3), inputs=5, activation="relu"):
    """A classifier of dense layers."""
    hidden = [layers.Dense(n, activation) for n in units[:-1]]
    return randomize(keras.Sequential([keras.Input((inputs,)), *hidden, layers.Dense(units[-1])]))


def normalized():
    """A classifier of dense layers with batch normalization."""
    steps = [layers.Dense(4), layers.BatchNormalization(), layers.ReLU(), layers.Dense(3)]
    return randomize(keras.Sequential([keras.Input((5,)), *steps]))


def learned(model, num_examples=40, wrong=0, **options):
    """Returns a sample of a classifier whose labels are its own predictions, but for the first few."""
    x = np.random.default_rng(1).normal(size=(num_examples, *model.input_shape[1:])).astype("float32")
    outputs = model.predict(x, verbose=0)
    y = outputs.argmax(axis=1).astype("int32")
    y[:wrong] = (y[:wrong] + 1) % outputs.shape[1]
    return ks.Sample(model, x, y, CROSS_ENTROPY, **({"m": 8, "num_batches": 4} | options))


def linear_regression(num_inputs, num_examples=60, noise=1.0, seed=0, **options):
    """Returns a sample of a linear model without bias, its float64 inputs, weights and targets."""
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(num_examples, num_inputs)), rng.normal(size=(num_inputs, 1))
    y = x @ w + noise * rng.normal(size=(num_examples, 1))
    model = keras.Sequential([keras.Input((num_inputs,)), layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign(w)
    return ks.Sample(model, x.astype("float32"), y.astype("float32"), "mean_squared_error", **options), x, w, y


def trained(sample, seed=5, **fields):
    """Returns the trained model of a sample, with random initial weights."""
    rng = np.random.default_rng(seed)
    initial = [rng.normal(scale=0.3, size=v.shape) for v in sample.model.trainable_variables]
    return ks.complexity.TrainedModel(sample, initial, **fields)


def numpy_of(variable):
    return keras.ops.convert_to_numpy(variable).astype(np.float64)
