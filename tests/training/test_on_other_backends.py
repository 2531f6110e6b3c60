"""Sharpness-aware training and the tracker on the backends that this process does not run."""

import importlib.util

import keras
import pytest

OTHERS = [b for b in ("tensorflow", "jax", "torch") if b != keras.config.backend() and importlib.util.find_spec(b)]
LEFT_OUT = [f"--ignore=tests/training/{name}.py" for name in ("test_on_devices", "test_on_other_backends")]


@pytest.mark.parametrize("backend", OTHERS)
def test_the_same_holds(run_python, backend):
    process = run_python("-m", "pytest", "-q", "-n", "0", "tests/training", *LEFT_OUT, KERAS_BACKEND=backend)
    assert process.returncode == 0, process.stdout[-3000:]
