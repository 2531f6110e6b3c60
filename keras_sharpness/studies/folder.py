"""Settings, times and tables in a run's folder.

Needs no backend.
"""

import contextlib
import csv
import dataclasses
import importlib.metadata
import json
import logging
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_sharpness.errors import InputError, require
from keras_sharpness.files.atomic import atomic_open, write_json
from keras_sharpness.files.plain import read_plain
from keras_sharpness.studies.config import StudyConfig, make_config

if TYPE_CHECKING:
    import pandas as pd

PACKAGES = ("keras_sharpness", "keras", "tensorflow", "jax", "torch", "numpy", "scipy")
TIMES = "pool/seconds.json"
log = logging.getLogger(__name__)


def config_of(folder: str | Path) -> StudyConfig:
    """Returns the configuration of the study in a run's folder.

    Args:
        folder: The folder, with `config.json`.

    Returns:
        The configuration.

    Raises:
        InputError: If the file is missing or does not hold a study's settings.
    """
    path = Path(folder) / "config.json"
    require(path.is_file(), f"{path} must be the settings of a run; there is no such file")
    try:
        return _parse(json.loads(read_plain(path))["study"])
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise InputError(f"{path} must hold the settings of a study. Received: {error}") from error


def finished(folder: Path, config: StudyConfig, description: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the summary of a study that a folder holds the results of, or None where it does not.

    Args:
        folder: The folder.
        config: The study.
        description: As of `record`.
    """
    try:
        summary, rows = json.loads(read_plain(folder / "summary.json")), read_plain(folder / "models.csv").splitlines()
        before = _flat(config_of(folder), _read_whole(folder / "config.json"))
    except (OSError, ValueError, InputError):
        return None
    whole = before == _flat(config, description) and len(rows) == config.num_models + 1
    return dict(summary) if whole else None


def record(
    folder: Path,
    config: StudyConfig,
    description: dict[str, Any],
    slots: Callable[[int], int],
    fresh: bool,
) -> int:
    """Writes `config.json`, or checks that the folder's is of the same study.

    Args:
        folder: The folder.
        config: The study.
        description: What else to write down; `data` and `backend` must be the same.
        slots: From the number of models of a pool to how many train as one tensor computation on this machine.
        fresh: Whether the folder holds no models.

    Returns:
        How many members train as one tensor computation in this folder: as many as on the machine that began it.

    Raises:
        InputError: If the folder holds a run with other settings.
    """
    path = folder / "config.json"
    now = {"study": dataclasses.asdict(config), **description, "members_at_once": slots(config.num_models)}
    if fresh or not path.exists():
        write_json(path, now)
        return slots(config.num_models)
    before, began_as = _read_whole(path), config_of(folder)
    recorded = before.get("members_at_once")
    at_once = recorded if isinstance(recorded, int) and recorded > 0 else slots(began_as.num_models)
    # The larger pool has the models of the smaller one if as many train together, or as many as ever do.
    fits = at_once in (slots(config.num_models), slots(sys.maxsize))
    grown = began_as.num_models < config.num_models and fits
    if grown:
        began_as = dataclasses.replace(began_as, num_models=config.num_models)
    _check_same(folder, _flat(began_as, before), _flat(config, now))
    if grown or at_once != recorded:
        write_json(path, (now if grown else before) | {"members_at_once": at_once})
    return at_once


def versions() -> dict[str, str | None]:
    """Returns the versions of Python and the packages that numbers depend on."""
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


@contextlib.contextmanager
def timed(folder: Path, stage: str) -> Iterator[None]:
    """Adds the time that the block takes to that of earlier runs in the folder."""
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds = times(folder)
        seconds[stage] = round(seconds.get(stage, 0) + time.perf_counter() - start, 3)
        write_json(folder / TIMES, seconds)
    log.info("%s: %.1f s", stage, seconds[stage])


def times(folder: Path) -> dict[str, float]:
    """Returns the seconds of each stage; nothing where the file is missing or damaged, as no number depends on it."""
    try:
        return {stage: float(seconds) for stage, seconds in json.loads(read_plain(folder / TIMES)).items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def forget_times(folder: Path) -> None:
    """Removes the times of earlier runs."""
    (folder / TIMES).unlink(missing_ok=True)


def write_rows(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Writes what `write_csv` writes for a table of these rows, without pandas, which takes long to load.

    Args:
        path: The file.
        rows: At least one, with the same names in all; NaN becomes an empty entry.
    """
    with atomic_open(path) as file:
        writer = csv.DictWriter(file, [*rows[0]], lineterminator="\n")
        writer.writeheader()
        # NaN alone differs from itself.
        writer.writerows({name: value if value == value else "" for name, value in row.items()} for row in rows)


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    """Writes a table, without its index, that appears whole or not at all."""
    with atomic_open(path) as file:
        table.to_csv(file, index=False)


def _parse(settings: dict[str, Any]) -> StudyConfig:
    schedule = dict(settings["schedule"])
    others = {name: value for name, value in settings.items() if name != "schedule"}
    if "full_gradient" in schedule:
        others["as_in_paper"] = _of_older_file(others, schedule)
    # As on the command line: a largest number of epochs may lie below the procedure's smallest.
    usual = dataclasses.asdict(make_config(**others).schedule)
    return make_config(**others, **{name: value for name, value in schedule.items() if value != usual.get(name)})


def _of_older_file(settings: dict[str, Any], schedule: dict[str, Any]) -> list[str]:
    """Returns the particulars of an older file of the released protocol; renames its schedule's fields."""
    full, summed, signed = (schedule.pop(name) for name in ("full_gradient", "sums_losses", "signed_change"))
    schedule |= {"gradient": "full" if full else "mini_batch", "reduction": "sum" if summed else "mean"}
    schedule["stopping"] = "not_falling" if signed else "settled"
    # Both losses were of the same network before `matching` was a particular.
    return [*settings["as_in_paper"], *(["matching"] if settings["model"] == "fcnn" else [])]


def _read_whole(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_plain(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} must be a whole file of a run; --noresume starts afresh. Received: {error}") from None
    whole = isinstance(content, dict) and isinstance(content.get("study"), dict)
    require(whole, f"{path} must be a whole file of a run; --noresume starts afresh")
    return dict(content)


def _check_same(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    differing = [f"{key}: {before.get(key)} there, {value} now" for key, value in now.items() if before[key] != value]
    require(
        not differing,
        f"{folder} must hold a run with the same settings; choose another --output_dir, or --noresume to start afresh",
        differing="; ".join(differing),
    )


def _flat(config: StudyConfig, content: dict[str, Any]) -> dict[str, Any]:
    settings = dataclasses.asdict(config)
    return settings.pop("schedule") | settings | {key: content.get(key) for key in ("data", "backend")}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
