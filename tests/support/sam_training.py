"""Training of small networks by `fit`."""

import keras
import numpy as np

from tests.support.sam_reference import BATCH, X, Y


def fit(trainer, optimizer, loss="mean_squared_error", epochs=10, sample_weight=None, **options):
    trainer.compile(optimizer, loss, **options)
    trainer.fit(X, Y, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0, sample_weight=sample_weight)
    return [np.array(w) for w in trainer.get_weights()]


def noisy(units=6):
    """A network with batch normalization, dropout, and losses that its layers add."""
    keras.utils.set_random_seed(2)

    class Adding(keras.layers.Layer):
        def call(self, x):
            self.add_loss(0.01 * keras.ops.mean(x**2))
            return x

    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(units, activation="relu", kernel_regularizer="l2")(inputs)
    hidden = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(Adding()(hidden)))
    outputs = [keras.layers.Dense(1, name="a")(hidden), keras.layers.Dense(1, name="b")(hidden)]
    return keras.Model(inputs, outputs)


def fit_noisy(model, rate=0.1, **options):
    options = {"loss": ["mean_squared_error", "mean_absolute_error"], "loss_weights": [1.0, 0.5], **options}
    model.compile(keras.optimizers.SGD(rate), metrics=[["mae"], None], **options)
    keras.utils.set_random_seed(7)
    history = model.fit(X, [Y[:, :1], Y[:, 1:]], batch_size=25, epochs=2, shuffle=False, verbose=0)
    return history.history, [np.array(w) for w in model.get_weights()]
