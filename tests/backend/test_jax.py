import keras
import numpy as np
import pytest

if keras.config.backend() != "jax":
    pytest.skip("particulars of JAX", allow_module_level=True)

import jax.numpy as jnp

from keras_sharpness import backend
from keras_sharpness.backend.jax import ONE_THREAD


def test_threads_per_operation_are_read_from_xlas_flags(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=nowhere")
    assert backend.workers() == 1
    monkeypatch.setattr("os.cpu_count", lambda: 5)
    backend.use_one_thread_per_operation()
    assert backend.workers() == 5
    import os

    assert os.environ["XLA_FLAGS"] == f"--xla_dump_to=nowhere {ONE_THREAD}"


def test_results_take_the_memory_of_what_is_spent_alone():
    spent, kept = jnp.zeros(1000), jnp.ones(1000)
    found = backend.compile(lambda a, b: [x + b for x in a], spent=(0,))([spent], kept)
    np.testing.assert_array_equal(found[0], np.ones(1000))
    assert spent.is_deleted() and not kept.is_deleted()


def test_devices_are_named():
    assert backend.devices() and all(isinstance(name, str) for name in backend.devices())
