"""The files that the command `measure` reads: a saved model and its data."""

import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_sharpness.errors import InputError, reason, require
from keras_sharpness.files.archive import check_archive, read_arrays
from keras_sharpness.objective.graph import Graph


def load_model(path: str) -> keras.Model:
    """Loads a saved model in Keras's safe mode: no code in the file is run.

    Args:
        path: A `.keras` file.

    Returns:
        The model.

    Raises:
        InputError: If there is no such model, or loading it would run code.
    """
    require(Path(path).suffix == ".keras", "`keras_model` must be a .keras file", keras_model=path)
    require(Path(path).is_file(), "`keras_model` must be a file that exists", keras_model=path)
    with Path(path).open("rb") as file:
        check_archive(file, "`keras_model`")
    try:
        return keras.saving.load_model(path, safe_mode=True)
    except Exception as error:
        unknown = re.search(r"Could not locate (?:class|function) '(\w+)'", str(error))
        why = f"{unknown[1]} is not known: name the module that registers it in --import" if unknown else reason(error)
        raise InputError(f"`keras_model` must be a model that Keras loads in safe mode. Received: {why}") from error


def load_data(path: str) -> tuple[Any, Any]:
    """Loads inputs and targets from plain arrays; nothing is unpickled.

    Args:
        path: A `.npz` file with `x`, or `x_NAME` for each input of the model, or `features` and `edges` of a graph; and
            with `y`, or `y_NAME` for each output.

    Returns:
        Inputs and targets.

    Raises:
        InputError: If there is no such file, or it holds other arrays.
    """
    require(Path(path).suffix == ".npz", "`data` must be a .npz file", data=path)
    require(Path(path).is_file(), "`data` must be a file that exists", data=path)
    arrays = read_arrays(Path(path), "`data`")
    inputs, outputs = _named(arrays, "x_"), _named(arrays, "y_")
    graph = {"features", "edges"} <= arrays.keys()
    fit = [bool(inputs), "x" in arrays, graph].count(True) == 1 and bool(outputs) != ("y" in arrays)
    require(fit, "`data` must hold y or y_NAME, and x, x_NAME or features and edges", names=[*arrays])
    words = {name: str(array.dtype) for name, array in arrays.items() if array.dtype.kind not in "biuf"}
    require(not words, "`data` must hold numbers", dtypes=words)
    if graph:
        return Graph(arrays["features"], arrays["edges"]), outputs or arrays["y"]
    return inputs or arrays["x"], outputs or arrays["y"]


def import_modules(names: Sequence[str]) -> None:
    """Imports modules of the user's, from the current folder too, so that the classes which they register are known.

    Args:
        names: Names of modules.

    Raises:
        InputError: If one cannot be imported.
    """
    sys.path.insert(0, str(Path.cwd()))
    try:
        for name in names:
            importlib.import_module(name)
    except Exception as error:  # Whatever the user's module raises.
        raise InputError(f"`import` must be modules that Python imports. Received: {name}: {reason(error)}") from error
    finally:
        sys.path.remove(str(Path.cwd()))


def _named(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
