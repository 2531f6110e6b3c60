"""What the user's environment says to Keras, its backends and matplotlib: no effect, or one line that names it."""

import contextlib
import os
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from keras_sharpness.cli import compilation_cache
from keras_sharpness.errors import InputError, reason, require

# Figures go to files; a model that diverges is a result, which must not end the program.
WITHOUT_EFFECT = {"MPLBACKEND": "agg", "JAX_DEBUG_NANS": "0", "JAX_DEBUG_INFS": "0"}
# What Python ignores by default. The rest is shown.
IGNORED = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
PREFIXES = {
    "jax": ("KERAS_", "JAX_", "XLA_", "CUDA_", "TPU_"),
    "tensorflow": ("KERAS_", "TF_", "XLA_", "CUDA_", "TPU_"),
    "torch": ("KERAS_", "TORCH_", "PYTORCH_", "CUDA_"),
}
# Set by this program, or checked already.
OWN = ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "JAX_COMPILATION_CACHE_DIR", *compilation_cache.SETTINGS)
# XLA ends the process, with status 1, over flags that it does not know. Another process finds out.
FLAGS = {
    "jax": ("XLA_FLAGS", "import jaxlib.xla_client as xla; xla.make_cpu_client()"),
    "tensorflow": ("TF_XLA_FLAGS", "import tensorflow as tf; tf.constant(0)"),
}


def neutralize() -> None:
    """Takes the effect from variables that only harm; to be called before anything large is imported."""
    os.environ |= {name: value for name, value in WITHOUT_EFFECT.items() if name in os.environ}
    os.environ.pop("PYTHONWARNINGS", None)
    # Libraries warn of their own affairs: as an error, each warning would end the program somewhere else.
    if any(action == "error" for action, *_ in warnings.filters):
        warnings.resetwarnings()
        for category in IGNORED:
            warnings.simplefilter("ignore", category)


@contextlib.contextmanager
def starting(name: str) -> Iterator[None]:
    """Turns the failure of a backend's start into one line, if the user's environment can be its cause.

    Args:
        name: The backend.

    Yields:
        Nothing. Keras and the backend are imported and started meanwhile.

    Raises:
        InputError: If they fail, with the variables or the file that may be why.
    """
    given = {k: v for k, v in os.environ.items() if k.startswith(PREFIXES[name]) and k not in OWN}
    _require_known_flags(name)
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if not (causes := _causes(error, given)):
            raise
        why = f"{type(error).__name__}: {reason(error)}"
        raise InputError(f"Keras must start on {name} with {causes}. Received: {why}") from error


def use_defaults_of_keras() -> None:
    """Sets what a `keras.json` may have changed for networks that name no types or layouts themselves."""
    import keras

    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")


def _causes(error: Exception, given: Mapping[str, str]) -> str:
    """Returns the variables that an error speaks of; else the file that raised it, or all variables."""
    said = str(error).lower()
    named = {k: v for k, v in given.items() if k.lower() in said or (v and repr(v).lower() in said)}
    places = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    if not named and any(Path(place).match("keras/src/backend/config.py") for place in places):
        return str(_keras_json())
    return ", ".join(f"{variable}={value!r}" for variable, value in (named or given).items())


def _keras_json() -> Path:
    return Path(os.environ.get("KERAS_HOME") or Path("~", ".keras").expanduser(), "keras.json")


def _require_known_flags(name: str) -> None:
    variable, code = FLAGS.get(name, ("", ""))
    if given := os.environ.get(variable):
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.run([sys.executable, "-c", code], **quiet, check=False)
        said = next((line for line in process.stderr.splitlines() if variable in line), process.stderr)
        require(process.returncode == 0, f"{variable} must hold flags that XLA knows", **{variable: given}, said=said)
