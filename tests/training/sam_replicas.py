"""Trains on one device and on two, and prints how far the weights are apart: `sam_replicas.py`."""

import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import contextlib  # noqa: E402

import keras  # noqa: E402
import numpy as np  # noqa: E402

import keras_sharpness as ks  # noqa: E402
from tests.support import sam_reference as slow  # noqa: E402

JAX = keras.config.backend() == "jax"
OPTIONS = [{}, {"every": 2}, {"m": 5}, {"m": 5, "every": 2}, {"maximizer": ks.PGA(num_steps=2, step_size=0.1)}]


def two_devices():
    if JAX:
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=keras.distribution.list_devices()))
        return contextlib.nullcontext()
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope()


def train(options):
    trainer = ks.SAM(slow.network(), rho=0.2, adaptive=True, **options)
    trainer.compile(keras.optimizers.Adam(0.01), "mean_squared_error")
    history = trainer.fit(slow.X, slow.Y, batch_size=10, epochs=2, shuffle=False, verbose=0)
    return [*map(np.asarray, trainer.get_weights()), np.array(history.history["loss"])]


scope = two_devices() if not JAX else contextlib.nullcontext()
alone = [train(options) for options in OPTIONS]
if JAX:
    scope = two_devices()
with scope:
    together = [train(options) for options in OPTIONS]
    if not JAX:
        try:
            train({"maximizer": ks.PGA(num_steps=2), "every": 2})
        except ks.InputError as error:
            print("refused", error, sep="\t")
for options, one, two in zip(OPTIONS, alone, together, strict=True):
    print(options, max(np.abs(a - b).max() for a, b in zip(one, two, strict=True)), sep="\t")
