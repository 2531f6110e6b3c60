"""Times the first and later measurements of one model: what a user waits for in a session or during `fit`."""

import json
import sys
import time

import keras
import numpy as np
from keras import layers

import keras_sharpness as ks

RNG = np.random.default_rng(0)


def dense():
    hidden = [layers.Dense(100, activation="relu"), layers.Dense(100, activation="relu")]
    return keras.Sequential([keras.Input((784,)), *hidden, layers.Dense(10)]), (784,)


def convolutional():
    first = [layers.Conv2D(16, 3), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D()]
    second = [layers.Conv2D(32, 3), layers.BatchNormalization(), layers.ReLU(), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((28, 28, 1)), *first, *second, layers.Dense(10)]), (28, 28, 1)


MODELS = {"dense": dense, "convolutional": convolutional}


class Clock(keras.callbacks.Callback):
    """Notes when each epoch's last callback before it, and it, have run."""

    def __init__(self, times):
        super().__init__()
        self.times = times

    def on_epoch_end(self, epoch, logs=None):
        self.times.append(time.perf_counter())


def main(name):
    model, shape = MODELS[name]()
    x, y = RNG.normal(size=(512, *shape)).astype("float32"), RNG.integers(0, 10, 512)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss)
    options = {"m": 64, "num_batches": 2, "maximizer": ks.PGA(num_steps=5, step_size=0.05)}
    seconds = {"calls": [_timed(lambda rho=rho: ks.worst_case_sharpness(model, x, y, rho=rho, **options))
                         for rho in (0.01, 0.02, 0.03)]}  # fmt: skip
    before, after = [], []
    callback = ks.SharpnessCallback(x, y, rho=0.01, **options)
    model.fit(x, y, epochs=3, batch_size=64, verbose=0, callbacks=[Clock(before), callback, Clock(after)])
    seconds["epochs"] = [end - start for start, end in zip(before, after, strict=True)]
    print(json.dumps(seconds))


def _timed(fn):
    start = time.perf_counter()
    fn()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(sys.argv[1])
