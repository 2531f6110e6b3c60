"""The user's environment: no effect, or one line that names it."""

import os
import warnings

import keras
import pytest

from keras_sharpness.cli import environment
from keras_sharpness.errors import InputError


def test_variables_that_only_harm_have_no_effect(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "silly")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setenv("JAX_DEBUG_NANS", "1")
    monkeypatch.delenv("JAX_DEBUG_INFS", raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        environment.neutralize()
        warnings.warn("a library's own affair", DeprecationWarning, stacklevel=1)
    assert (os.environ["MPLBACKEND"], os.environ["JAX_DEBUG_NANS"]) == ("agg", "0")
    assert {"PYTHONWARNINGS", "JAX_DEBUG_INFS"}.isdisjoint(os.environ)


def as_keras_reads_its_settings(message):
    """Raises as that module of Keras does."""
    exec(compile(f"raise ValueError({message!r})", "/lib/keras/src/backend/config.py", "exec"))


def failing(error):
    def fail():
        raise error

    return fail


@pytest.mark.parametrize(
    ("variables", "fail", "words"),
    [
        ({"JAX_PLATFORMS": "q", "JAX_OTHER": "1"}, failing(RuntimeError("no q (JAX_PLATFORMS)")), "JAX_PLATFORMS='q'."),
        ({"JAX_ENABLE_X64": "maybe"}, failing(ValueError("invalid truth value 'maybe'")), "JAX_ENABLE_X64='maybe'."),
        ({"JAX_PLATFORMS": "cuda"}, failing(AssertionError()), "JAX_PLATFORMS='cuda'. Received: AssertionError"),
        ({"KERAS_HOME": "/k"}, lambda: as_keras_reads_its_settings("Invalid `floatx`"), "/k/keras.json. Received:"),
    ],
)
def test_a_failing_start_names_its_cause_in_one_line(monkeypatch, variables, fail, words):
    for name in [name for name in os.environ if name.startswith(environment.PREFIXES["jax"])]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="Keras must start on jax with ") as caught, environment.starting("jax"):
        fail()
    assert f"with {words}" in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_start_that_fails_for_another_reason_keeps_its_traceback(monkeypatch):
    for name in [name for name in os.environ if name.startswith(environment.PREFIXES["torch"])]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with pytest.raises(ZeroDivisionError), environment.starting("torch"):
        failing(ZeroDivisionError())()


def test_flags_that_xla_does_not_know(monkeypatch):
    pytest.importorskip("jaxlib")
    monkeypatch.setenv("XLA_FLAGS", "--xla_silly=1")
    with pytest.raises(InputError, match="XLA_FLAGS must hold flags that XLA knows.*xla_silly") as caught:
        with environment.starting("jax"):
            raise AssertionError("it must not be started")
    assert str(caught.value).isprintable()
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    with environment.starting("jax"):
        pass


def test_pools_are_trained_with_the_defaults_of_keras(monkeypatch):
    before = keras.config.floatx()
    try:
        keras.config.set_floatx("float64")
        keras.config.set_image_data_format("channels_first")
        environment.use_defaults_of_keras()
        assert keras.config.floatx() == keras.config.dtype_policy().name == "float32"
        assert keras.config.image_data_format() == "channels_last"
    finally:
        keras.config.set_floatx(before)
        keras.config.set_image_data_format("channels_last")
