"""A study on disk: every member is saved as soon as it is trained or measured, so that a killed run goes on."""

import contextlib
import dataclasses
import importlib.metadata
import itertools
import json
import logging
import platform
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import filelock
import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from keras_sharpness import backend
from keras_sharpness.distribution.structures import to_numpy
from keras_sharpness.errors import InputError, require
from keras_sharpness.files.atomic import atomic_open, remove_parts
from keras_sharpness.objective.objective import values
from keras_sharpness.pools.member import Member, member_seed
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.statistics import kendall
from keras_sharpness.studies.study import Study

PACKAGES = ("keras_sharpness", "keras", "tensorflow", "jax", "torch", "numpy", "scipy")
TIMES = "pool/seconds.json"
T = TypeVar("T")
log = logging.getLogger(__name__)


class Stopped(Exception):
    """The run was asked to stop; what was under way has been finished and saved."""


def run_study(
    study: Study,
    folder: Path,
    *,
    resume: bool = True,
    command: str = "",
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Trains, measures and correlates; leaves `config.json`, `models.csv`, `summary.json` and the pool in the folder.

    Where the study is shared out over several processes, each of them calls this: the first alone touches the folder,
    which the others need not see.

    Args:
        study: The study; building it has checked its settings.
        folder: The run's folder.
        resume: Whether models that the folder holds already are kept; otherwise the study starts afresh.
        command: The command that repeats the run, for the record.
        stop: Asked before each model whether to stop: models under way are finished, no others begun.

    Returns:
        The summary: tau, p-value, interval, number of models, seconds. Empty in all processes but the first.

    Raises:
        InputError: If the folder holds a run with other settings, or another process works in it, or the processes
            that share out a study have other settings.
        Stopped: If `stop` said so before all was done, in any process.
    """
    if not study.distribution.is_chief:
        _agree(study)
        _train(study, None, stop)
        _measure(study, None, stop)
        return {}
    with contextlib.ExitStack() as stack:
        try:
            store = _open(study, folder, resume, command, stack)
        except Exception:
            _agree(study, ready=False)
            raise
        _agree(study)
        return _run_study(study, store, folder, stop)


def _open(study: Study, folder: Path, resume: bool, command: str, stack: contextlib.ExitStack) -> PoolStore:
    stack.enter_context(alone_in(folder))
    store = PoolStore(folder)
    if not resume:
        store.clear()
        (folder / TIMES).unlink(missing_ok=True)
    _write_config(folder, study, _describe(study, command), fresh=not store.trained())
    return store


def _agree(study: Study, ready: bool = True) -> None:
    """Raises unless the first process is ready and all have the same settings; else they would wait for ever.

    Args:
        study: The study.
        ready: Whether this process is.

    Raises:
        InputError: If not, in all processes; the first has an error of its own.
    """
    settings = json.dumps([dataclasses.asdict(study.config), keras.config.backend()])
    known = study.distribution.gather(np.array([ready, zlib.crc32(settings.encode())], np.uint32))
    if study.distribution.is_chief and not ready:
        return
    require(bool(known[0][0]), "the first process must be able to start; it says why it is not")
    same = all(settings == known[0][1] for _, settings in known)
    require(same, "all processes must be given the same settings", checksums=[int(settings) for _, settings in known])


def _run_study(study: Study, store: PoolStore, folder: Path, stop: Callable[[], bool]) -> dict[str, Any]:
    with _timed(folder, "training"):
        _train(study, store, stop)
    with _timed(folder, "sharpness"):
        _measure(study, store, stop)
    table = _table(study, store)
    write_csv(folder / "models.csv", table)
    summary = summarize(table) | {f"seconds_{stage}": seconds for stage, seconds in _times(folder).items()}
    _write_json(folder / "summary.json", summary)
    return summary


def summarize(table: pd.DataFrame) -> dict[str, Any]:
    """Correlates sharpness with test loss over the models of a table; diverged ones are counted and left out.

    Args:
        table: A row per model with columns `sharpness` and `test_loss`.

    Returns:
        tau, p_value, tau_ci_low, tau_ci_high, num_models, num_diverged. The interval is None when fewer than 15 models
        are left, the first four when fewer than three are.
    """
    finite = table[np.isfinite(table[["sharpness", "test_loss"]]).all(axis=1)]
    counts = {"num_models": len(finite), "num_diverged": len(table) - len(finite)}
    try:
        result = kendall(finite["sharpness"], finite["test_loss"])
    except InputError as error:
        log.warning("No tau: %s", error)
        return dict.fromkeys(("tau", "p_value", "tau_ci_low", "tau_ci_high")) | counts
    ends = {"tau_ci_low": result.ci_low, "tau_ci_high": result.ci_high}
    interval = {name: None if np.isnan(end) else end for name, end in ends.items()}
    return {"tau": result.tau, "p_value": result.p_value} | interval | counts


def _train(study: Study, store: PoolStore | None, stop: Callable[[], bool]) -> None:
    missing, stop = _missing(study, store.trained() if store else set(), "trained"), _agreed(study, stop)
    indices = itertools.takewhile(lambda _: not stop(), missing)
    for member in progress(study.train(indices), missing, "training", study):
        evaluation = study.evaluate(member)
        if store:
            store.save_member(member, evaluation)
    _check_done(stop)


def _measure(study: Study, store: PoolStore | None, stop: Callable[[], bool]) -> None:
    missing, stop = _missing(study, store.measured() if store else set(), "measured"), _agreed(study, stop)
    members = (_load(study, store, index) for index in itertools.takewhile(lambda _: not stop(), missing))
    for index, losses in progress(study.measure(members), missing, "sharpness", study):
        if store:
            store.save_paths(index, losses)
    _check_done(stop)


def _load(study: Study, store: PoolStore | None, index: int) -> Member:
    """Returns a saved member, from the process that can read it."""
    weights, state = to_numpy(values(study.objective.model))
    if store is None:
        member = Member(index=index, seed=0, weights=weights, state=state)
    else:
        member = store.load_member(index)
    weights, state = study.distribution.of_chief((member.weights, member.state))
    return dataclasses.replace(member, weights=weights, state=state)


def _agreed(study: Study, stop: Callable[[], bool]) -> Callable[[], bool]:
    """Returns whether any process was asked to stop: all must end at the same place."""
    return lambda: any(study.distribution.gather(np.asarray(bool(stop()))))


def _check_done(stop: Callable[[], bool]) -> None:
    if stop():
        raise Stopped


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keeps other processes out of a run's folder; the system lets go of the lock when this one dies.

    Args:
        folder: The folder.

    Yields:
        Nothing.

    Raises:
        InputError: If another process works in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise InputError(
            f"{folder} must not be in use: another process works in it. Received: {lock.lock_file}"
        ) from None
    try:
        remove_parts(folder)
        yield
    finally:
        lock.release()


def _missing(study: Study, done: set[int], what: str) -> list[int]:
    num_models = study.config.num_models
    found = study.distribution.of_chief(np.isin(np.arange(num_models), [*done]))
    missing = np.flatnonzero(~found).tolist()
    if study.distribution.is_chief and len(missing) < num_models:
        log.info("%d of %d models are already %s", num_models - len(missing), num_models, what)
    return missing


def progress(work: Iterable[T], missing: list[int], stage: str, study: Study) -> Iterable[T]:
    """Returns the work, with a bar on a terminal.

    Args:
        work: Yields something for each missing model.
        missing: The models.
        stage: What the bar is called.
        study: Only its first process shows a bar.
    """
    # Without a terminal the bar would fill a log with control characters.
    silent = None if missing and study.distribution.is_chief else True
    return tqdm(work, total=len(missing), desc=stage, unit="model", disable=silent)


@contextlib.contextmanager
def _timed(folder: Path, stage: str) -> Iterator[None]:
    """Adds the time that the block takes to what earlier runs in the folder took."""
    start = time.perf_counter()
    try:
        yield
    finally:
        times = _times(folder)
        times[stage] = round(times.get(stage, 0) + time.perf_counter() - start, 3)
        _write_json(folder / TIMES, times)
    log.info("%s: %.1f s", stage, times[stage])


def _times(folder: Path) -> dict[str, float]:
    try:
        return {stage: float(seconds) for stage, seconds in json.loads((folder / TIMES).read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}  # times are told, not relied on


def _table(study: Study, store: PoolStore) -> pd.DataFrame:
    return pd.DataFrame([_row(study, store, index) for index in range(study.config.num_models)])


def _row(study: Study, store: PoolStore, index: int) -> dict[str, float]:
    row, seed = store.load_row(index), member_seed(study.config.seed, index)
    require(row["seed"] == seed, f"model {index} must be of this run, of seed {seed}", seed=row["seed"])
    return row | study.sharpness(store.load_paths(index))


def _describe(study: Study, command: str) -> dict[str, Any]:
    return {
        "study": dataclasses.asdict(study.config),
        "data": study.dataset.source,
        "backend": keras.config.backend(),
        "devices": backend.devices(),
        # Not a setting: the numbers do not depend on it.
        "distribution": study.distribution.describe(),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "command": command,
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _write_config(folder: Path, study: Study, settings: dict[str, Any], fresh: bool) -> None:
    path = folder / "config.json"
    if fresh or not path.exists():
        _write_json(path, settings)
        return
    try:
        before = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} must be a whole file of a run; --noresume starts afresh. Received: {error}") from None
    whole = isinstance(before, dict) and isinstance(before.get("study"), dict)
    require(whole, f"{path} must be a whole file of a run; --noresume starts afresh")
    size = before["study"].get("num_models")
    if isinstance(size, int) and size < study.config.num_models and study.grows_from(size):
        before["study"]["num_models"] = study.config.num_models
        _check_same(before, settings, folder)
        _write_json(path, settings)
    _check_same(before, settings, folder)


def _check_same(before: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    keys = ("data", "backend")
    old = _flat(before["study"]) | {key: before.get(key) for key in keys}
    new = _flat(now["study"]) | {key: now[key] for key in keys}
    differing = [
        f"{key}: {old.get(key)} there, {new.get(key)} now" for key in old | new if old.get(key) != new.get(key)
    ]
    require(
        not differing,
        f"{folder} must hold a run with the same settings; choose another --output_dir, or --noresume to start afresh",
        differing="; ".join(differing),
    )


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    schedule = settings.get("schedule")
    return settings | (schedule if isinstance(schedule, dict) else {}) | {"schedule": None}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with atomic_open(path) as file:
        json.dump(content, file, indent=2)
        file.write("\n")


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Writes a table that appears whole or not at all.

    Args:
        path: Name of the file.
        table: The table, without its index.
    """
    with atomic_open(path) as file:
        table.to_csv(file, index=False)
