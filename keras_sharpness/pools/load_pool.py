"""A pool of models that exist already: in memory, or as files of Keras or PyTorch."""

import inspect
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from keras_sharpness.backend.internals import flatten_layers
from keras_sharpness.distribution.structures import to_numpy
from keras_sharpness.errors import InputError, reason, require
from keras_sharpness.models.interop import load_torch
from keras_sharpness.objective.labelled_data import take
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.objective.objective import Objective, values
from keras_sharpness.pools.data_split import Split, read_split
from keras_sharpness.pools.member import Member, unchanged
from keras_sharpness.pools.pool import ENDED, Family, Pool, with_gaps
from keras_sharpness.pools.scores import compile_split_scores
from keras_sharpness.pools.space import TAKEN

if TYPE_CHECKING:
    import pandas as pd

KERAS, TORCH = (".keras", ".h5"), (".pt", ".pth")
# Examples by whose outputs two models are told apart.
COMPARED = 4
log = logging.getLogger(__name__)

Source = Callable[[], keras.Model]
Evaluate = Callable[[Member], dict[str, float]]


def load_pool(
    models: Sequence[Any] | str | Path,
    train: Any,
    test: Any,
    *,
    table: "pd.DataFrame | str | Path",
    hyper_parameters: Sequence[str] | None = None,
    loss: LossLike = None,
    build: Callable[..., keras.Model] | None = None,
) -> Pool:
    """Makes a pool of models that were trained elsewhere.

    Args:
        models: Keras models, or PyTorch state dicts with `build`; or a folder of `.keras` files, or of `.pt` files of
            state dicts, in the order of their names.
        train: The examples that they were trained on; see `train_pool`.
        test: Test examples.
        table: A row per model, in the same order, or with a column `file` that names each model's file: the
            hyper-parameters, and perhaps `seed` and `epochs`. A DataFrame or a CSV file.
        hyper_parameters: Its columns of hyper-parameters; None: all but those that a pool has of its own.
        loss: The loss; None: that of each model.
        build: From the hyper-parameters that are its arguments to a model for a state dict; see `interop.load_torch`.

    Returns:
        The pool. Models that cannot be loaded are left out, with the reason in its `failures`.

    Raises:
        InputError: If table and models do not fit, or no model can be loaded.
    """
    rows, names = _rows(table, hyper_parameters)
    splits = read_split("train", train), read_split("test", test)
    sources = _sources(models, rows, build)
    loaded, failures = _Loaded(loss, *splits), {}
    for index, source in enumerate(sources):
        try:
            loaded.add(index, source())
        except InputError as error:
            failures[index] = str(error)
            log.warning("model %d is left out: %s", index, error)
    require(bool(loaded.scores), "at least one model must load", failures=[*failures.values()][:1])
    numbers: dict[str, int] = {}
    found = []
    for index, scores in loaded.scores.items():
        setting = {name: rows[index][name] for name in names}
        number = numbers.setdefault(repr(setting), len(numbers))
        head = {"index": index, "seed": rows[index].get("seed", index), "epochs": rows[index].get("epochs", np.nan)}
        found.append({**head, "setting": number, **setting, "status": ENDED, **with_gaps(scores)})
    return Pool(
        hyper_parameters=tuple(names),
        rows=found,
        train=splits[0],
        test=splits[1],
        failures=failures,
        load=loaded.member,
        make_families=loaded.families,
        make_model=lambda index: sources[index](),
    )


class _Loaded:
    """Models sorted into families, evaluated one by one; of each, only the weights stay."""

    def __init__(self, loss: LossLike, train: Split, test: Split) -> None:
        self._loss, self._splits = loss, {"training": train, "test": test}
        self._members: dict[int, Member] = {}
        self._families: dict[str, list[tuple[keras.Model, Evaluate, list[int]]]] = {}
        self.scores: dict[int, dict[str, float]] = {}

    def member(self, index: int) -> Member:
        return self._members[index]

    def families(self) -> Iterator[Family]:
        for alike in self._families.values():
            for model, _, indices in alike:
                yield Family(model=model, loss=self._loss, indices=indices)

    def add(self, index: int, model: keras.Model) -> None:
        weights, state = to_numpy(values(model))
        member = Member(index=index, seed=index, weights=weights, state=state)
        self.scores[index] = self._family(index, model, member)(member)
        self._members[index] = member

    def _family(self, index: int, model: keras.Model, member: Member) -> Evaluate:
        """Returns the evaluation of the family whose model computes the same with these weights; adds the member."""
        alike = self._families.setdefault(_architecture(model), [])
        expected = self._outputs(model)
        for other, scores, indices in alike:
            with unchanged(other):
                same = self._agrees(member.assign_to(other), expected)
            if same:
                indices.append(index)
                return scores
        scores = self._compile(model)
        alike.append((model, scores, [index]))
        return scores

    def _compile(self, model: keras.Model) -> Evaluate:
        train = self._splits["training"]
        objective = Objective(model, self._loss, on_graph=train.data.graph is not None)
        for split in self._splits.values():
            objective.check(split.data, split.examples)
        return compile_split_scores(objective, self._splits)

    def _outputs(self, model: keras.Model) -> list[np.ndarray]:
        data = self._splits["training"].data
        inputs = (
            data.tensors[0]
            if data.graph is not None
            else take(data.tensors[0], np.arange(COMPARED) % data.num_examples)
        )
        try:
            outputs = model(inputs)
        except Exception as error:  # Whatever the model's layers raise.
            raise InputError(f"the model must take the training inputs. Received: {reason(error)}") from error
        return [ops.convert_to_numpy(output) for output in keras.tree.flatten(outputs)]

    def _agrees(self, model: keras.Model, expected: list[np.ndarray]) -> bool:
        return all(np.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(self._outputs(model), expected, strict=True))


def _rows(table: Any, hyper_parameters: Sequence[str] | None) -> tuple[list[dict[str, Any]], list[str]]:
    import pandas as pd

    if isinstance(table, (str, Path)):
        require(Path(table).is_file(), "`table` must be a CSV file or a DataFrame", table=str(table))
        table = pd.read_csv(table)
    require(isinstance(table, pd.DataFrame), "`table` must be a CSV file or a DataFrame", table=type(table).__name__)
    names = [name for name in table if name not in (*TAKEN, "file")] if hyper_parameters is None else hyper_parameters
    missing = [name for name in names if name not in table]
    require(bool(names) and not missing, "`table` must have a column for each hyper-parameter", missing=missing)
    return table.to_dict("records"), [*names]


def _sources(models: Any, rows: list[dict[str, Any]], build: Callable[..., keras.Model] | None) -> list[Source]:
    """Returns a function for each row that returns its model."""
    if isinstance(models, (str, Path)):
        models = _files(Path(models), rows)
    require(len(models) == len(rows), "`table` must have a row for each model", rows=len(rows), models=len(models))
    return [_source(model, row, build) for model, row in zip(models, rows, strict=True)]


def _files(folder: Path, rows: list[dict[str, Any]]) -> list[Path]:
    require(folder.is_dir(), "`models` must be models, or the folder of their files", folder=str(folder))
    if all("file" in row for row in rows):
        return [folder / str(row["file"]) for row in rows]
    return sorted(path for path in folder.iterdir() if path.suffix in (*KERAS, *TORCH))


def _source(model: Any, row: dict[str, Any], build: Callable[..., keras.Model] | None) -> Source:
    if isinstance(model, keras.Model):
        return lambda: model
    if isinstance(model, Path) and model.suffix in KERAS:
        return lambda: _read(model)
    known = isinstance(model, (Path, Mapping)) and build is not None
    what = "`models` must hold Keras models, files of them, or with `build` PyTorch state dicts"
    require(known, what, model=type(model).__name__, build=build)
    return lambda: load_torch(_build(build, row), model)  # type: ignore[arg-type]


def _read(path: Path) -> keras.Model:
    require(path.is_file(), f"{path} must be a file of a Keras model")
    try:
        return keras.models.load_model(path)
    except Exception as error:  # Keras raises errors of many types.
        raise InputError(f"{path} must be a whole file of a Keras model. Received: {reason(error)}") from error


def _build(build: Callable[..., keras.Model], row: dict[str, Any]) -> keras.Model:
    parameters = inspect.signature(build).parameters
    try:
        return build(**{name: row[name] for name in parameters if name in row})
    except Exception as error:  # Whatever the user's own function raises.
        raise InputError(f"`build` must return a model for each row. Received: {reason(error)}") from error


def _architecture(model: keras.Model) -> str:
    """Returns a text that models of one architecture share; such models may still compute different things."""
    layers = [layer.get_config() if hasattr(layer, "get_config") else {} for layer in flatten_layers(model)]
    shapes = [tuple(v.shape) for v in model.variables]
    text = json.dumps([[type(layer).__name__ for layer in flatten_layers(model)], shapes, layers], default=str)
    return re.sub(r'"name": "[^"]*"', "", text)
