"""`main.py measure`: one measure of a saved model on a file of data."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import keras_sharpness as ks
from keras_sharpness.errors import InputError, reason, require
from keras_sharpness.files.archive import check_archive, read_arrays
from keras_sharpness.files.atomic import atomic_open
from keras_sharpness.measures import plots
from keras_sharpness.objective.graph import Graph


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What the flags say; None leaves a measure's own default.

    Attributes:
        loss: Name of a Keras loss.
        ball: Arguments of the ball: rho, norm, scaling, eta.
        ascent: The maximizer.
        batches: Arguments of the draw: m, num_batches, seed.
        batch_size: Examples in one pass.
        select: Names or patterns of weights.
        num_draws: Random draws, starts or Hessian-vector products.
        k: Eigenvalues.
        distribution: Where the work runs.
    """

    loss: str | None
    ball: dict[str, Any]
    ascent: Any
    batches: dict[str, Any]
    batch_size: int | None
    select: str | list[str]
    num_draws: int | None
    k: int
    distribution: Any = None


Outcome = tuple[dict[str, Any], Figure | None]


def run(model_path: str, data_path: str, name: str, settings: Settings, output: Path | None) -> dict[str, Any]:
    """Measures, and writes `measure.json` and `measure.png` if there is a folder for them.

    Args:
        model_path: A `.keras` file.
        data_path: A `.npz` file.
        name: Name of the measure.
        settings: The flags.
        output: The folder.

    Returns:
        The result, JSON-ready.

    Raises:
        InputError: If a file cannot be read safely, or an argument does not fit.
    """
    model, (x, y) = load_model(model_path), load_data(data_path)
    result, figure = MEASURES[name](model, x, y, settings)
    result = {"measure": name, "keras_model": model_path, "data": data_path} | _plain(result)
    if output is not None:
        with atomic_open(output / "measure.json") as file:
            json.dump(result, file, indent=2)
            file.write("\n")
        if figure is not None:
            with atomic_open(output / "measure.png", "wb") as file:
                figure.savefig(file, dpi=150, format="png")
    return result


def load_model(path: str) -> keras.Model:
    """Loads a saved model in Keras's safe mode: nothing in the file is run.

    Args:
        path: A `.keras` file.

    Returns:
        The model.

    Raises:
        InputError: If it is none, or holds what would have to be run.
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
    """Loads inputs and targets from arrays alone, no pickles.

    Args:
        path: A `.npz` file with `y` and either `x`, or `x_NAME` for each input of the model, or `features` and `edges`
            of a graph.

    Returns:
        Inputs and targets.

    Raises:
        InputError: If it is none, or its arrays are others.
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


def _worst_case(model: keras.Model, x: Any, y: Any, s: Settings) -> Outcome:
    options = {"maximizer": s.ascent, **_grid_options(s)}
    r = ks.worst_case_sharpness(model, x, y, s.loss, **s.ball, **s.batches, **options)
    found = {"value": r.value, "standard_error": r.standard_error, "error_rise": r.error_rise}
    diagnostics = {k: float(np.mean(v)) for k, v in vars(r.diagnostics).items()}
    return found | {"diagnostics": diagnostics, "per_batch": r.per_batch, "config": r.config}, r.plot()


def _average_case(model: keras.Model, x: Any, y: Any, s: Settings) -> Outcome:
    ball = {name: value for name, value in s.ball.items() if name != "norm"}
    options = {"num_draws": s.num_draws or 10, **_grid_options(s)}
    r = ks.average_case_sharpness(model, x, y, s.loss, **ball, **s.batches, **options)
    found = {"value": r.value, "standard_error": r.standard_error, "error_rise": r.error_rise}
    return found | {"per_batch": r.per_batch, "config": r.config}, None


def _grid(model: keras.Model, x: Any, y: Any, s: Settings) -> Outcome:
    ball = {name: s.ball[name] for name in ("norm", "scaling") if name in s.ball}
    rhos = s.ball.get("rho", 1e-3) * 10.0 ** np.arange(-2, 2.5, 0.5)
    batches = {name: value for name, value in s.batches.items() if name != "m"} | {"ms": [s.batches["m"]]}
    grid = ks.sharpness_grid(model, x, y, s.loss, rhos=rhos, **ball, **batches, **_grid_options(s))
    return {"table": grid.table}, grid.plot()


def _keskar(model: keras.Model, x: Any, y: Any, s: Settings) -> Outcome:
    options = _grid_options(s)
    r = ks.keskar_sharpness(model, x, y, s.loss, epsilon=s.ball.get("rho", 1e-3), **options)
    return {"value": r.value, "config": r.ascent.config}, r.ascent.plot()


def _attribution(model: keras.Model, x: Any, y: Any, s: Settings) -> Outcome:
    batches = s.batches | {"batch_size": s.batch_size, "distribution": s.distribution}
    table = ks.attribute(model, x, y, s.loss, **s.ball, **batches)
    return {"table": table}, plots.bars(list(table["layer"]), table["sharpness"].to_numpy(), "sharpness of the layer")


def _eigenvalues(model: keras.Model, x: Any, y: Any, s: Settings) -> Outcome:
    r = ks.hessian.top_eigenvalues(model, x, y, s.loss, k=s.k, seed=s.batches["seed"], **_curvature(s))
    return {"values": r.values, "residuals": r.residuals}, None


def _trace(model: keras.Model, x: Any, y: Any, s: Settings) -> Outcome:
    products = s.num_draws or 30
    r = ks.hessian.trace(model, x, y, s.loss, num_products=products, seed=s.batches["seed"], **_curvature(s))
    return {"value": r.value, "standard_error": r.standard_error}, None


def _spectral_density(model: keras.Model, x: Any, y: Any, s: Settings) -> Outcome:
    runs = s.num_draws or 5
    r = ks.hessian.spectral_density(model, x, y, s.loss, num_runs=runs, seed=s.batches["seed"], **_curvature(s))
    return {"grid": r.grid, "density": r.density, "standard_error": r.standard_error}, r.plot()


def _gradient_norm(model: keras.Model, x: Any, y: Any, s: Settings) -> Outcome:
    norm = {"norm": s.ball["norm"]} if "norm" in s.ball else {}
    return {"value": ks.gradient_norm(model, x, y, s.loss, **norm, **_curvature(s))}, None


def _fisher_rao(model: keras.Model, x: Any, y: Any, s: Settings) -> Outcome:
    options = {"num_examples": s.num_draws, "select": s.select, "distribution": s.distribution}
    r = ks.fisher_rao_norm(model, x, y, s.loss, seed=s.batches["seed"], **options)
    return {"value": r.value, "standard_error": r.standard_error}, None


def _relative_flatness(model: keras.Model, x: Any, y: Any, s: Settings) -> Outcome:
    options = {"num_products": s.num_draws or 30, "seed": s.batches["seed"], "batch_size": s.batch_size}
    require(isinstance(s.select, str), "--select must name one layer for relative_flatness", select=s.select)
    layer = None if s.select == "all" else str(s.select)
    r = ks.relative_flatness(model, x, y, s.loss, layer=layer, **options)
    return {"value": r.value, "standard_error": r.standard_error}, None


def _critical(model: keras.Model, x: Any, y: Any, s: Settings) -> Outcome:
    r = ks.critical_sharpness(model, x, y, s.loss, batch_size=s.batch_size, select=s.select)
    return dataclasses.asdict(r), None


def _line(model: keras.Model, x: Any, y: Any, s: Settings) -> Outcome:
    r = ks.landscape.line(model, x, y, s.loss, seed=s.batches["seed"], **_grid_options(s))
    return {"positions": r.positions, "losses": r.losses}, r.plot()


def _plane(model: keras.Model, x: Any, y: Any, s: Settings) -> Outcome:
    r = ks.landscape.plane(model, x, y, s.loss, seed=s.batches["seed"], **_grid_options(s))
    return {"first": r.first, "second": r.second, "losses": r.losses}, r.plot()


MEASURES: dict[str, Callable[[keras.Model, Any, Any, Settings], Outcome]] = {
    "worst_case": _worst_case,
    "average_case": _average_case,
    "grid": _grid,
    "keskar": _keskar,
    "attribution": _attribution,
    "eigenvalues": _eigenvalues,
    "trace": _trace,
    "spectral_density": _spectral_density,
    "gradient_norm": _gradient_norm,
    "fisher_rao": _fisher_rao,
    "relative_flatness": _relative_flatness,
    "critical": _critical,
    "line": _line,
    "plane": _plane,
}


def _grid_options(s: Settings) -> dict[str, Any]:
    return {"select": s.select, "batch_size": s.batch_size, "distribution": s.distribution}


def _curvature(s: Settings) -> dict[str, Any]:
    scaling = {name: s.ball[name] for name in ("scaling", "eta") if name in s.ball}
    return scaling | {"batch_size": s.batch_size, "select": s.select}


def _plain(value: Any) -> Any:
    """Returns the same in lists and numbers that JSON knows; what is no number becomes null."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, pd.DataFrame):
        return _plain(value.to_dict("records"))
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(entry) for entry in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not np.isfinite(value) else value
