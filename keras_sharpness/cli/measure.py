"""`main.py measure`: one measure of a saved model on a file of data."""

import io
import json
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import keras_sharpness as ks
from keras_sharpness.cli import flags, start, streams
from keras_sharpness.cli.measure_table import MEASURES, Measure
from keras_sharpness.errors import require
from keras_sharpness.files.json_values import json_ready
from keras_sharpness.reporting.output import write_files

# A decade in four steps, two decades on either side.
DECADES = 10.0 ** np.arange(-2, 2.5, 0.5)


def measure() -> None:
    """Measures a saved model on a file of data, and prints the result as JSON."""
    given = flags.FLAGS
    for name in ("keras_model", "data"):
        require(given[name].value is not None, f"`measure` must be given --{name}")
    chosen = MEASURES[given.measure]
    require_taken(given.measure, chosen)
    output = start.output_dir()
    distribution = start.start_keras(in_threads=False)
    from keras_sharpness.cli import user_files

    user_files.import_modules(given["import"].value or [])
    arguments = arguments_of(chosen, distribution)
    result = run(given.keras_model, given.data, given.measure, arguments, output if distribution.is_chief else None)
    if distribution.is_chief:
        streams.write(json.dumps(result, indent=2))


def require_taken(name: str, chosen: Measure) -> None:
    """Raises unless the measure takes every flag of a measure that was given.

    Args:
        name: Name of the measure.
        chosen: The measure.

    Raises:
        InputError: If it does not take one.
    """
    others = [f"--{flag}" for flag in flags.given() if flag in flags.OF_MEASURES and flag not in chosen.takes]
    known = ", ".join(f"--{flag}" for flag in chosen.takes)
    require(not others, f"--measure={name} must be given flags that it takes ({known})", others=", ".join(others))


def arguments_of(chosen: Measure, distribution: Any) -> dict[str, Any]:
    """Returns the arguments of a measure's function that the flags set.

    Args:
        chosen: The measure.
        distribution: What the work is distributed over.

    Returns:
        Values by the name of the argument. Without flags the function's own defaults hold.
    """
    given = flags.FLAGS
    sources = {argument: flag for flag, argument in chosen.takes.items() if given[flag].present}
    values = {argument: given[flag].value for argument, flag in sources.items()}
    values |= {chosen.takes[flag]: v for flag, v in chosen.defaults.items() if not given[flag].present}
    conversions: dict[str, Callable[[Any], Any]] = {
        "rhos": lambda rho: rho * DECADES,
        "ms": lambda m: [m],
        "select": lambda text: text.split(",") if "," in text else text,
        "layer": _layer,
        "maximizer": lambda _: _maximizer(),
        "distribution": lambda _: distribution,
        "direction": lambda paths: _others(paths, 1)[0],
        "other": lambda paths: _others(paths, 1)[0],
        "directions": lambda paths: _others(paths, 2),
    }
    return {argument: conversions.get(argument, lambda v: v)(value) for argument, value in values.items()}


def run(
    model_path: str, data_path: str, name: str, arguments: dict[str, Any], output: Path | None = None
) -> dict[str, Any]:
    """Measures, and writes `measure.json` and `measure.png` if there is a folder for them.

    Args:
        model_path: A `.keras` file.
        data_path: A `.npz` file.
        name: Name of the measure.
        arguments: Further arguments of its function.
        output: The folder.

    Returns:
        The result, JSON-ready.

    Raises:
        InputError: If a file cannot be read safely, or an argument does not fit.
    """
    from keras_sharpness.cli.user_files import load_data, load_model

    chosen = MEASURES[name]
    missing = [f"--{flag}" for flag in chosen.needs if chosen.takes[flag] not in arguments]
    require(not missing, f"--measure={name} must be given what it needs", missing=", ".join(missing))
    model, (x, y) = load_model(model_path), load_data(data_path)
    found = operator.attrgetter(chosen.function)(ks)(model, x, y, **arguments)
    result = {"measure": name, "keras_model": model_path, "data": data_path} | json_ready(chosen.entries(found))
    if output is not None:
        _write(output, result, chosen.figure(found))
    return result


def _write(output: Path, result: dict[str, Any], figure: Any) -> None:
    contents: dict[str, str | bytes] = {"measure.json": json.dumps(result, indent=2) + "\n"}
    if figure is not None:
        picture = io.BytesIO()
        figure.savefig(picture, dpi=150, format="png")
        contents["measure.png"] = picture.getvalue()
    write_files(output, contents)


def _maximizer() -> Any:
    from keras_sharpness.maximizers import make_maximizer

    given = flags.FLAGS
    step_size = 0.05 if given.step_size is None else given.step_size
    direction = given.direction if given["direction"].present else None
    return make_maximizer(
        given.maximizer, given.pga_steps, step_size, direction, given.coordinates, given.num_restarts, given.seed
    )


def _others(paths: list[str], number: int) -> list[Any]:
    from keras_sharpness.cli.user_files import load_model

    what = f"--other_models must name {('a saved model', 'two saved models')[number - 1]}"
    require(len(paths) == number, what, other_models=",".join(paths))
    return [load_model(path) for path in paths]


def _layer(text: str) -> str | None:
    require("," not in text, "--select must name one layer for relative_flatness", select=text)
    return None if text == "all" else text
