import keras
import pytest

if keras.config.backend() != "jax":
    pytest.skip("particulars of JAX", allow_module_level=True)

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


def test_devices_are_named():
    assert backend.devices() and all(isinstance(name, str) for name in backend.devices())
