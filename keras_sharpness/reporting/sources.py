"""The pools of a comparison: runs, other people's tables, and the paper's points, grouped by model."""

import dataclasses
import functools
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.errors import InputError, require
from keras_sharpness.reporting.pool_folder import RANKING
from keras_sharpness.reporting.published import published_points
from keras_sharpness.reporting.reading import encodable, read_table
from keras_sharpness.reporting.run_folder import flatten, read_run
from keras_sharpness.statistics import Kendall, kendall
from keras_sharpness.studies.config import study_config

PUBLISHED_SOURCE = "published (Fig. 1)"
POINT = ("sharpness", "test_loss")
# The settings of a study that the paper states.
PRINTED = (
    *("protocol", "num_models", "learning_rate", "batch_size", "min_epochs", "max_epochs", "stop_tolerance"),
    *("rho", "norm", "scaling", "maximizer", "pga_steps", "step_size", "m", "num_batches"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pool:
    """Models of one architecture from one source.

    Attributes:
        source: Name of the source.
        model: Name of the architecture; None where a table does not say.
        points: A row per model, columns `sharpness`, `test_loss` and perhaps `seed`, finite.
        settings: Settings of the study, by dotted name; empty where they are unknown.
        is_reference: Whether the others are compared with this one.
    """

    source: str
    model: str | None
    points: pd.DataFrame
    settings: dict[str, Any]
    is_reference: bool = False

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Sharpness and test loss, one value per model each."""
        return self.points["sharpness"].to_numpy(dtype=float), self.points["test_loss"].to_numpy(dtype=float)

    @property
    def seeds(self) -> np.ndarray | None:
        """The seed that each model was trained from; None where they are unknown."""
        known = "seed" in self.points and self.points["seed"].dtype.kind in "iu"
        return self.points["seed"].to_numpy() if known else None

    @functools.cached_property
    def kendall(self) -> Kendall:
        """The rank correlation.

        Raises:
            InputError: If it is undefined, with the name of the source.
        """
        try:
            return kendall(*self.pairs)
        except InputError as error:
            raise InputError(f"{' '.join(filter(None, (self.source, self.model)))}: {error}") from error


def read_groups(runs: Sequence[str], reference: str) -> dict[str, list[Pool]]:
    """Reads all sources.

    Args:
        runs: Folders of runs, or CSV files with columns `sharpness`, `test_loss` and, if need be, `model`.
        reference: "published" for the paper's points, "none", or another folder or file.

    Returns:
        By model, the pools in the order of `runs`; the reference last.

    Raises:
        InputError: If a source is missing or damaged, or it is unclear which pools belong together.
    """
    files = [] if reference in ("published", "none") else [reference]
    names = _short_names([*runs, *files])
    ours = [pool for path, name in zip(runs, names, strict=False) for pool in _read(Path(path), name)]
    theirs = list(_read_published() if reference == "published" else ())
    theirs += [pool for path in files for pool in _read(Path(path), names[-1])]
    theirs = [dataclasses.replace(pool, is_reference=True) for pool in theirs]
    return {model: _members(model, ours, theirs, reference) for model in _models(ours, theirs)}


def _models(ours: list[Pool], theirs: list[Pool]) -> list[str]:
    named = _names(ours) or _names(theirs)
    unnamed = [pool.source for pool in (*ours, *theirs) if pool.model is None]
    require(
        len(named) <= 1 or not unnamed,
        f"a table must have a column `model` where several are compared ({', '.join(named)})",
        without=unnamed,
    )
    for name in named:
        require(re.fullmatch(r"[\w-]+", name) is not None, "`model` must be letters, digits, _ and -", model=name)
    return named or ["models"]


def _names(pools: list[Pool]) -> list[str]:
    return list(dict.fromkeys(pool.model for pool in pools if pool.model is not None))


def _members(model: str, ours: list[Pool], theirs: list[Pool], reference: str) -> list[Pool]:
    members = [pool for pool in ours if pool.model in (model, None)]
    known = [pool for pool in theirs if pool.model in (model, None)]
    models = ", ".join(_names(theirs))
    require(bool(known) or not theirs, f"--with={reference} must have the model: it has {models}", model=model)
    return members + known


def _read_published() -> Iterator[Pool]:
    for model, points in _by_model(published_points()):
        settings = _flat({"study": dataclasses.asdict(study_config(model))})
        printed = {name: value for name, value in settings.items() if name.split(".")[-1] in PRINTED}
        yield Pool(source=PUBLISHED_SOURCE, model=model, points=points, settings=printed)


def _read(path: Path, name: str) -> Iterator[Pool]:
    require(path.exists(), "RUN must be the folder of a run or a CSV file", RUN=str(path))
    return _read_folder(path, name) if path.is_dir() else _read_csv(path, name)


def _read_folder(path: Path, name: str) -> Iterator[Pool]:
    seeds_only = not (path / RANKING).exists()
    require(
        seeds_only, "`compare` takes runs whose models differ in their seed, not in hyper-parameters", RUN=str(path)
    )
    run = read_run(path)
    yield Pool(source=name, model=run.setting("model"), points=run.finite, settings=_flat(run.config))


def _read_csv(path: Path, name: str) -> Iterator[Pool]:
    table = read_table(path, POINT)
    if "model" not in table:
        yield Pool(source=name, model=None, points=table, settings={})
        return
    require(bool(table["model"].notna().all()), f"{path} must name the `model` in each row or in none")
    for model, points in _by_model(table):
        yield Pool(source=name, model=model, points=points, settings={})


def _by_model(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for model, points in table.groupby("model", sort=False):
        yield str(model), points


def _flat(config: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("study.").removeprefix("schedule."): value for name, value in flatten(config)}


def _short_names(paths: Sequence[str]) -> list[str]:
    """Returns the ends of the paths: two parts, or as many as make them distinct."""
    # Not `resolve`, which raises over links that lead in a circle.
    files = [Path(os.path.realpath(path)) for path in paths]
    require(len(set(files)) == len(files), "each RUN must be given once", runs=list(paths))
    given = [Path(path).parts or file.parts for path, file in zip(paths, files, strict=True)]
    for length in range(2, max(map(len, given)) + 2):
        names = [encodable("/".join(parts[-length:])) for parts in given]
        if len(set(names)) == len(names):
            break
    return names
