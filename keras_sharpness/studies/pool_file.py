"""A study of a pool that a file of the user's defines."""

import runpy
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_sharpness.errors import InputError, reason, require
from keras_sharpness.studies.pool_study import PoolStudy

NEEDED = ("build", "data", "space")
TRAINING = (
    *("seeds", "loss", "optimizer", "batch_size", "stop_loss", "max_epochs", "callbacks"),
    *("num_settings", "initialization", "seed"),
)


def file_study(path: str | Path, training: Mapping[str, Any], **options: Any) -> PoolStudy:
    """Runs a file of Python and returns the study that it defines.

    The file defines `build`, a function from hyper-parameters to a model; `data`, the training and the test examples,
    or a function that returns them; and `space`. It may define arguments of `train_pool`, `measures` and `targets`.

    Args:
        path: The file. Its code is run.
        training: Arguments of `train_pool` that replace the file's.
        **options: Fields of `PoolStudy` that replace the file's.

    Returns:
        The study.

    Raises:
        InputError: If the file cannot be run, or lacks a part.
    """
    require(Path(path).is_file(), "`study` must be a file of Python", study=str(path))
    found = run_file(path)
    missing = [name for name in NEEDED if name not in found]
    require(not missing, f"{path} must define {', '.join(NEEDED)}", missing=missing)
    data = _call(path, found["data"]) if callable(found["data"]) else found["data"]
    pair = isinstance(data, (tuple, list)) and len(data) == 2
    require(pair, f"`data` of {path} must be (training examples, test examples)", data=type(data).__name__)
    own = {name: found[name] for name in TRAINING if name in found}
    parts = {name: found[name] for name in ("measures", "targets") if name in found}
    return PoolStudy(
        build=found["build"],
        train=data[0],
        test=data[1],
        space=found["space"],
        training=own | dict(training),
        source=str(path),
        **parts | options,
    )


def run_file(path: str | Path) -> dict[str, Any]:
    """Returns what a file of Python defines, by name; see `_call` for its errors.

    Args:
        path: The file. Its code is run.
    """
    return dict(_call(path, lambda: runpy.run_path(str(path), run_name="study")))


def _call(path: str | Path, function: Any) -> Any:
    try:
        return function()
    except Exception as error:  # Whatever the user's own code raises.
        raise _failed(path, error) from error


def _failed(path: str | Path, error: Exception) -> InputError:
    """Returns an error that names the last line of the file which was run."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    where = f"line {lines[-1]}: " if lines else ""
    return InputError(f"{path} must run without an error. Received: {where}{type(error).__name__}: {reason(error)}")
