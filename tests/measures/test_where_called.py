"""Measurements in threads, in a loop of asyncio, and while a function is traced."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from keras import layers

import keras_sharpness as ks
from keras_sharpness.errors import InputError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 4)).astype("float32"), RNG.normal(size=(60, 1)).astype("float32")
IMAGES = RNG.normal(size=(40, 6, 6, 1)).astype("float32")


def dense(seed):
    keras.utils.set_random_seed(seed)
    hidden = [layers.Dense(8, "relu"), layers.BatchNormalization(), layers.Dropout(0.5)]
    return keras.Sequential([keras.Input((4,)), *hidden, layers.Dense(1)]), X, Y


def convolution(seed):
    keras.utils.set_random_seed(seed)
    return (
        keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1)]),
        IMAGES,
        Y[:40],
    )


def measured(model, x, y):
    found = ks.worst_case_sharpness(model, x, y, "mse", rho=0.05, m=8, num_batches=4, training=True)
    return found.losses


@pytest.fixture(scope="module")
def given():
    """A model, its data, and what is measured of it in the usual place."""
    model = dense(0)
    return model, measured(*model)


@pytest.mark.again
def test_two_threads_measure_two_models_as_one_after_the_other():
    makers = [dense, convolution, dense, convolution]
    alone = [measured(*make(seed)) for seed, make in enumerate(makers)]
    models = [make(seed) for seed, make in enumerate(makers)]
    with ThreadPoolExecutor(2) as threads:
        together = [*threads.map(lambda given: measured(*given), models)]
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_running_loop_of_asyncio_changes_nothing(given):
    model, expected = given

    async def main():
        here = measured(*model)
        return here, await asyncio.to_thread(measured, *model)

    for found in asyncio.run(main()):
        np.testing.assert_array_equal(found, expected)


def traced(fn):
    """Runs a function while the backend traces it."""
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(fn)()
    import jax

    return jax.jit(fn)()


@pytest.mark.skipif(keras.config.backend() == "torch", reason="PyTorch leaves what it cannot trace to Python")
def test_while_a_function_is_traced_it_is_refused_in_one_line(given):
    (model, x, y), expected = given
    sample = ks.Sample(model, x, y, "mse", m=8, num_batches=2)
    for call in (lambda: measured(model, x, y), lambda: ks.gradient_norm(sample), lambda: ks.hessian.trace(sample)):
        with pytest.raises(InputError, match="must run outside of traced functions, such as tf.function and jax.jit"):
            traced(call)
    np.testing.assert_array_equal(measured(model, x, y), expected)
