"""Results in files: a file of arrays, one of which is a text that says how the result is put together."""

import dataclasses
import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from keras_sharpness.errors import InputError, reason
from keras_sharpness.files.checksum import load_arrays, save_compressed
from keras_sharpness.measures.average_case import AverageCaseSharpness
from keras_sharpness.measures.barrier import Barrier
from keras_sharpness.measures.critical import CriticalSharpness
from keras_sharpness.measures.diagnostics import Diagnostics
from keras_sharpness.measures.estimate import Estimate
from keras_sharpness.measures.hessian import Eigenvalues, SpectralDensity
from keras_sharpness.measures.keskar import KeskarSharpness
from keras_sharpness.measures.landscape import Line, Plane
from keras_sharpness.measures.placed import Placed
from keras_sharpness.measures.radii import SharpnessGrid
from keras_sharpness.measures.readable import Readable
from keras_sharpness.measures.worst_case import WorstCaseSharpness

# A file names its classes; only these are made from it.
_RESULTS: tuple[type, ...] = (
    *(AverageCaseSharpness, Barrier, CriticalSharpness, Eigenvalues, Estimate, KeskarSharpness, Line, Placed, Plane),
    *(SharpnessGrid, SpectralDensity, WorstCaseSharpness),
)
_CLASSES = {each.__name__: each for each in (*_RESULTS, Diagnostics)}
_TEXT = "result"


def save_result(result: Readable, path: Path) -> None:
    """Writes a result to a file, which appears whole or not at all.

    Args:
        result: The result.
        path: Name of the file.

    Raises:
        InputError: If it cannot be written.
    """
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_pack(result, arrays))
    try:
        save_compressed(path, **{_TEXT: np.frombuffer(text.encode(), np.uint8)}, **arrays)
    except OSError as error:
        raise InputError(f"{path} must be a place that can be written to. Received: {error.strerror}") from error


def load_result(path: str | Path) -> Any:
    """Reads a result that was saved with `.save`.

    The file holds arrays and a text, never code: reading one of unknown origin runs nothing.

    Args:
        path: The file.

    Returns:
        The result, equal in every number to what was saved.

    Raises:
        InputError: If there is no such file, it is damaged, or it holds no result.
    """
    try:
        arrays = load_arrays(Path(path))
    except OSError as error:
        raise InputError(f"{path} must be a result that can be read. Received: {error.strerror}") from error
    try:
        return _parse(arrays)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(f"{path} must hold a result of this version. Received: {reason(error)}") from error


def _parse(arrays: dict[str, np.ndarray]) -> Readable:
    found = _unpack(json.loads(arrays[_TEXT].tobytes()), arrays)
    if not isinstance(found, Readable):
        raise TypeError(f"an object of {type(found)}")
    # A file that was edited can hold anything: what cannot be shown is no result.
    found.summary(), found.columns()
    return found


def _pack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Returns a value as JSON has it, each array replaced by its name in `arrays`."""
    if type(value).__name__ in _CLASSES:
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {"class": type(value).__name__, "fields": _pack_entries(fields, arrays)}
    if isinstance(value, pd.DataFrame):
        return {"table": _pack_entries({name: value[name].to_numpy() for name in value}, arrays)}
    if isinstance(value, np.ndarray):
        return {"array": _add(value, arrays)}
    if isinstance(value, dict):
        return {"dict": _pack_entries(value, arrays)}
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [_pack(entry, arrays) for entry in value]}
    return value.item() if isinstance(value, np.generic) else value


def _pack_entries(entries: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: _pack(entry, arrays) for name, entry in entries.items()}


def _add(array: np.ndarray, arrays: dict[str, np.ndarray]) -> str:
    name = f"array_{len(arrays)}"
    arrays[name] = array
    return name


def _unpack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Returns what `_pack` was given."""
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "class" in value:
        return _CLASSES[value["class"]](**_unpack_entries(value["fields"], arrays))
    ((kind, content),) = value.items()
    if kind in ("dict", "table"):
        entries = _unpack_entries(content, arrays)
        return entries if kind == "dict" else pd.DataFrame(entries)
    return {"list": list, "tuple": tuple}[kind](_unpack(entry, arrays) for entry in content)


def _unpack_entries(entries: Any, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: _unpack(entry, arrays) for name, entry in cast(dict[str, Any], entries).items()}
