"""A study on disk: every member is saved as soon as it is trained or measured, so that a killed run goes on."""

import contextlib
import dataclasses
import itertools
import json
import logging
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np

from keras_sharpness.distribution.structures import to_numpy
from keras_sharpness.errors import require
from keras_sharpness.execution.progress import bar
from keras_sharpness.files.atomic import write_json
from keras_sharpness.files.lock import alone_in
from keras_sharpness.objective.objective import values
from keras_sharpness.pools.member import Member, member_seed
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.studies import folder as folders
from keras_sharpness.studies.details import FILE, write_details
from keras_sharpness.studies.study import Study
from keras_sharpness.studies.summary import summarize

# Results that wait to be evaluated or saved: their memory.
MOST_WAITING = 50
T = TypeVar("T")
log = logging.getLogger(__name__)


class Stopped(Exception):
    """The run was asked to stop; the models in progress have been finished and saved."""


def run_study(
    study: Study,
    folder: Path,
    *,
    resume: bool = True,
    command: str = "",
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Trains, measures and correlates; leaves `config.json`, `models.csv`, `summary.json` and the pool in the folder.

    Where the measurement is the paper's, it leaves `details.npz` too (see `details`).

    Where several processes share a study, each of them calls this. Only the first touches the folder, which the others
    need not see.

    Args:
        study: The study; building it has checked its settings.
        folder: The run's folder.
        resume: Whether models that the folder holds already are kept; otherwise the study starts afresh.
        command: The command that repeats the run, for the record.
        stop: Asked before each model whether to stop: models in progress are finished, no others begun.

    Returns:
        The summary: tau, p-value, interval, number of models, seconds. Empty in all processes but the first.

    Raises:
        InputError: If the folder holds a run with other settings, or another process works in it, or the processes
            that share a study have other settings.
        Stopped: If `stop` said so before all was done, in any process.
    """
    if not study.distribution.is_chief:
        _agree(study)
        _train(study, None, study.slots(study.config.num_models), stop)
        _measure(study, None, stop)
        return {}
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(alone_in(folder))
            store, slots = _open(study, folder, resume, command)
        except Exception:
            _agree(study, ready=False)
            raise
        _agree(study)
        return _run_study(study, store, slots, folder, stop)


def _open(study: Study, folder: Path, resume: bool, command: str) -> tuple[PoolStore, int]:
    store = PoolStore(folder)
    if not resume:
        store.clear()
        folders.forget_times(folder)
    description = study.describe() | {"versions": folders.versions(), "command": command}
    store.pack()
    fresh = not store.trained()
    return store, folders.record(folder, study.config, description, study.slots, fresh)


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
    require(bool(known[0][0]), "the first process must be able to start; its own error gives the reason")
    same = all(settings == known[0][1] for _, settings in known)
    require(same, "all processes must be given the same settings", checksums=[int(settings) for _, settings in known])


def _run_study(study: Study, store: PoolStore, slots: int, folder: Path, stop: Callable[[], bool]) -> dict[str, Any]:
    with ThreadPoolExecutor(1) as behind:
        if not study.distribution.in_step:
            # What fails here fails again where it is needed.
            behind.submit(study.prepare)
        with folders.timed(folder, "training"):
            _train(study, store, slots, stop)
    with folders.timed(folder, "sharpness"):
        _at_once(study, lambda: _measure(study, store, stop), lambda: _detail(study, store, stop))
    rises, rows = [], []
    for index in range(study.config.num_models):
        losses = store.load_paths(index)
        rows.append(_row(study, store, index, losses))
        if study.has_details:
            rises.append(study.rises(losses))
    if study.has_details:
        write_details(folder, store, rises)
    else:
        # A pool that has grown too large for them may hold those of fewer models.
        (folder / FILE).unlink(missing_ok=True)
    folders.write_rows(folder / "models.csv", rows)
    seconds = {f"seconds_{stage}": seconds for stage, seconds in folders.times(folder).items()}
    summary = summarize({name: [row[name] for row in rows] for name in ("sharpness", "test_loss")}) | seconds
    write_json(folder / "summary.json", summary)
    return summary


def _train(study: Study, store: PoolStore | None, slots: int, stop: Callable[[], bool]) -> None:
    missing, stop = _missing(study, store.trained() if store else set(), "trained"), _agreed(study, stop)
    indices = itertools.takewhile(lambda _: not stop(), missing)
    # The processes of a study train the same groups: as large as the folder's, which the first process knows.
    slots = int(study.distribution.of_chief(np.asarray(slots)))

    def evaluate(member: Member) -> None:
        evaluation = study.evaluate(member)
        if store:
            store.save_member(member, evaluation)

    members = progress(study.train(indices, slots), missing, "training", study)
    _for_each(((member,) for member in members), evaluate, study)
    _check_done(stop)


def _measure(study: Study, store: PoolStore | None, stop: Callable[[], bool]) -> None:
    missing, stop = _missing(study, store.measured() if store else set(), "measured"), _agreed(study, stop)
    members = (_load(study, store, index) for index in itertools.takewhile(lambda _: not stop(), missing))
    found = progress(study.measure(members), missing, "sharpness", study)
    _for_each(found, store.save_paths if store else lambda *_: None, study)
    _check_done(stop)


def _detail(study: Study, store: PoolStore, stop: Callable[[], bool]) -> None:
    """Evaluates members on each test example, in the first process only."""
    missing = sorted({*range(study.config.num_models)} - store.detailed()) if study.has_details else []
    for index in itertools.takewhile(lambda _: not stop(), missing):
        store.save_details(index, {"test_losses": study.test_losses(store.load_member(index))})
    _check_done(stop)


def _at_once(study: Study, first: Callable[[], None], second: Callable[[], None]) -> None:
    """Runs the second while the first one runs, where possible, else after it."""
    if study.distribution.in_step:
        first()
        second()
        return
    with ThreadPoolExecutor(1) as behind:
        done = behind.submit(second)
        first()
    done.result()


def _for_each(results: Iterable[tuple[Any, ...]], do: Callable[..., None], study: Study) -> None:
    """Calls `do` with each result, where possible while the next ones are computed, which leaves no core idle."""
    if study.distribution.in_step:
        for result in results:
            do(*result)
        return
    # One thread, so that files appear in order.
    with ThreadPoolExecutor(1) as pool:
        running: deque[Future[None]] = deque()
        for result in results:
            running.append(pool.submit(do, *result))
            while len(running) > MOST_WAITING:
                running.popleft().result()
        for done in running:
            done.result()


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


def _missing(study: Study, done: set[int], what: str) -> list[int]:
    num_models = study.config.num_models
    found = study.distribution.of_chief(np.isin(np.arange(num_models), [*done]))
    missing = np.flatnonzero(~found).tolist()
    if study.distribution.is_chief and len(missing) < num_models:
        log.info("%d of %d models are already %s", num_models - len(missing), num_models, what)
    return missing


def progress(work: Iterable[T], missing: list[int], stage: str, study: Study) -> Iterator[T]:
    """Yields the work, with a bar on a terminal.

    Args:
        work: Yields something for each missing model.
        missing: The models.
        stage: Name of the bar.
        study: Only its first process shows a bar.
    """
    shown = bool(missing) and study.distribution.is_chief
    with bar(len(missing), "model", shown, title=stage, delay=0) as seen:
        for each in work:
            yield each
            seen.update()


def _row(study: Study, store: PoolStore, index: int, losses: np.ndarray) -> dict[str, float]:
    row, seed = store.load_row(index, "train_loss", "test_loss"), member_seed(study.config.seed, index)
    require(row["seed"] == seed, f"model {index} must be of this run, of seed {seed}", seed=row["seed"])
    return row | study.sharpness(losses)
