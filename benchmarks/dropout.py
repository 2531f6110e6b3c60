"""What masks that are equal on every backend cost: LeNet's training step with `models.dropout.Dropout` and Keras's own.

KERAS_BACKEND=tensorflow python benchmarks/dropout.py
"""

import time

import keras
import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.models import lenet5
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective, values
from keras_sharpness.pools.trainer import training_step
from keras_sharpness.pools.update_rules import PlainSGD


def main(steps: int = 100, rounds: int = 5) -> None:
    """Times steps of both networks in turn, and prints the medians."""
    ours = lenet5()
    native = keras.models.clone_model(
        ours, clone_function=lambda layer: keras.layers.Dropout(0.5) if "dropout" in layer.name else _copy(layer)
    )
    timers = {"hashed masks": _timer(ours, steps), "Keras's own": _timer(native, steps)}
    times = {name: np.median([timer() for _ in range(rounds)]) for name, timer in timers.items()}
    print(keras.config.backend(), {name: f"{1000 * seconds / steps:.2f} ms a step" for name, seconds in times.items()})


def _copy(layer):
    return type(layer).from_config(layer.get_config())


def _timer(model, steps: int):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(640, 28, 28, 1)).astype("float32"), rng.integers(0, 10, 640)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    objective, data = Objective(model, loss), LabelledData(x, y)
    step = backend.compile(training_step(objective, PlainSGD(0.05)))

    def run() -> float:
        carry = (*values(model), [])
        begin = time.perf_counter()
        for _ in range(steps):
            batch = ops.convert_to_tensor(rng.integers(0, 640, 64).astype("int32"))
            carry, last = step(carry, data.tensors, batch)
        float(last)
        return time.perf_counter() - begin

    run()
    return run


if __name__ == "__main__":
    main()
