"""The files that the command `measure` reads: a saved model and its data."""

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
        raise InputError(
            f"`keras_model` must be a model that Keras loads in safe mode. Received: {reason(error)}"
        ) from error


def load_data(path: str) -> tuple[Any, Any]:
    """Loads inputs and targets from plain arrays; nothing is unpickled.

    Args:
        path: A `.npz` file with `y` and either `x`, or `x_NAME` for each input of the model, or `features` and `edges`
            of a graph.

    Returns:
        Inputs and targets.

    Raises:
        InputError: If there is no such file, or it holds other arrays.
    """
    require(Path(path).suffix == ".npz", "`data` must be a .npz file", data=path)
    require(Path(path).is_file(), "`data` must be a file that exists", data=path)
    arrays = read_arrays(Path(path), "`data`")
    named = {name.removeprefix("x_"): array for name, array in arrays.items() if name.startswith("x_")}
    graph = {"features", "edges"} <= arrays.keys()
    forms = [bool(named), "x" in arrays, graph]
    require(
        "y" in arrays and sum(forms) == 1, "`data` must hold y, and x, x_NAME or features and edges", names=[*arrays]
    )
    words = {name: str(array.dtype) for name, array in arrays.items() if array.dtype.kind not in "biuf"}
    require(not words, "`data` must hold numbers", dtypes=words)
    if graph:
        return Graph(arrays["features"], arrays["edges"]), arrays["y"]
    return named or arrays["x"], arrays["y"]
