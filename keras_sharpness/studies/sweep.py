"""Sharpness of a finished pool for many radii and batch sizes, and how tau depends on them."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from keras_sharpness.errors import InputError, require, require_count, require_non_negative
from keras_sharpness.execution.grid import Grid
from keras_sharpness.execution.plan import ASCENT_BATCH
from keras_sharpness.files.checksum import is_whole, load_arrays, save_arrays
from keras_sharpness.maximizers import num_starts
from keras_sharpness.measures.batches import draw_batches
from keras_sharpness.measures.climbing import loss_paths
from keras_sharpness.measures.worst_case import WorstCaseSharpness
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.studies.folder import alone_in, write_csv
from keras_sharpness.studies.run import Stopped, progress
from keras_sharpness.studies.study import Study
from keras_sharpness.studies.summary import summarize

FULL = "full"
# Members measured before their results are saved: the most that a killed run loses.
GROUP = 16


class Sweep:
    """Measures members for every pair of a radius and a batch size, with a study's data, ball and maximizer.

    Attributes:
        study: The study of the pool.
        rhos: Radii.
        ms: Examples in a batch, or "full": one batch of the whole training set.
    """

    def __init__(self, study: Study, rhos: Sequence[float], ms: Sequence[int | str], plan: str | None = None) -> None:
        """Compiles an ascent for each batch size.

        Args:
            study: The study of the pool.
            rhos: Radii.
            ms: Batch sizes.
            plan: "vectorized" or "sequential"; None: the faster.

        Raises:
            InputError: If there is no radius or batch size, or one is out of range.
        """
        require(len(rhos) > 0 and len(ms) > 0, "`rhos` and `ms` must not be empty", rhos=rhos, ms=ms)
        for rho in rhos:
            require_non_negative("rho", rho)
        self.study, self.rhos, self.ms = study, list(rhos), list(ms)
        self._paths = [self._compile(study, m, plan) for m in ms]

    def measure(self, members: Iterable[Member]) -> Iterator[tuple[int, np.ndarray]]:
        """Yields (index, sharpness), the latter of shape (len(rhos), len(ms)), a group of members at a time."""
        waiting = iter(members)
        while group := [*itertools.islice(waiting, GROUP)]:
            pairs = itertools.product(self.rhos, self._paths)
            values = np.array([self._sharpness(paths, group, rho) for rho, paths in pairs])
            yield from ((m.index, v.reshape(len(self.rhos), -1)) for m, v in zip(group, values.T, strict=True))

    def _sharpness(self, paths: Callable[..., Iterator[np.ndarray]], group: list[Member], rho: float) -> list[float]:
        return [WorstCaseSharpness(losses).value for losses in paths((m.tensors() for m in group), rho)]

    def _compile(self, study: Study, m: int | str, plan: str | None) -> Callable[..., Iterator[np.ndarray]]:
        train, config = study.dataset.train, study.config
        if m == FULL:
            batches = np.asarray(train)[None]
        else:
            require_count("m", int(m))
            batches = draw_batches(train, int(m), config.num_batches, config.seed)
        draws = num_starts(study.maximizer)
        grid = Grid(study.objective, study.data, batches, draws=draws, plan=plan, batch_size=ASCENT_BATCH)
        return loss_paths(grid, study.ball, study.maximizer)


def run_sweep(
    sweep: Sweep,
    folder: Path,
    num_models: int,
    stop: Callable[[], bool] = lambda: False,
) -> pd.DataFrame:
    """Measures the first models of a run's pool, and leaves `sweep.csv` in its folder; continues an interrupted sweep.

    Args:
        sweep: What to measure.
        folder: The run's folder.
        num_models: How many of its models.
        stop: Asked before each model whether to stop.

    Returns:
        A row for each radius and batch size: rho, m, mean_sharpness, tau, tau_ci_low, tau_ci_high, num_models.

    Raises:
        InputError: If the folder does not hold that many trained models, or a sweep of other radii or batch sizes.
        Stopped: If `stop` said so before all was done.
    """
    with alone_in(folder):
        store, files = PoolStore(folder), folder / "sweep"
        trained = store.trained()
        require(
            set(range(num_models)) <= trained,
            f"{folder} must hold the weights of the first {num_models} models; the run's command makes them",
            trained=len(trained),
        )
        missing = [index for index in range(num_models) if not _is_done(_path(files, index))]
        indices = itertools.takewhile(lambda _: not stop(), missing)
        members = (store.load_member(index) for index in indices)
        for index, sharpness in progress(sweep.measure(members), missing, "sweep", sweep.study):
            save_arrays(_path(files, index), rhos=sweep.rhos, ms=np.array(sweep.ms, str), sharpness=sharpness)
        if stop():
            raise Stopped
        sharpness = np.stack([_load(files, index, sweep) for index in range(num_models)])
        table = _correlate(sweep, sharpness, [store.load_row(index)["test_loss"] for index in range(num_models)])
        write_csv(folder / "sweep.csv", table)
    return table


def _path(folder: Path, index: int) -> Path:
    return folder / f"{index:05d}.npz"


def _is_done(path: Path) -> bool:
    return path.exists() and is_whole(path)


def _load(folder: Path, index: int, sweep: Sweep) -> np.ndarray:
    arrays = load_arrays(_path(folder, index))
    rhos, ms = arrays["rhos"].tolist(), arrays["ms"].tolist()
    if (rhos, ms) != (sweep.rhos, [str(m) for m in sweep.ms]):
        raise InputError(
            f"{folder} must hold a sweep of the same radii and batch sizes; remove it to start afresh. "
            f"Received: rhos {rhos} and ms {ms} there, {sweep.rhos} and {sweep.ms} now"
        )
    return arrays["sharpness"]


def _correlate(sweep: Sweep, sharpness: np.ndarray, test_loss: list[float]) -> pd.DataFrame:
    rows = []
    for (i, rho), (j, m) in itertools.product(enumerate(sweep.rhos), enumerate(sweep.ms)):
        values = pd.DataFrame({"sharpness": sharpness[:, i, j], "test_loss": test_loss})
        found = summarize(values)
        mean = values["sharpness"][np.isfinite(values["sharpness"])].mean()
        names = ("tau", "tau_ci_low", "tau_ci_high", "num_models")
        rows.append({"rho": rho, "m": m, "mean_sharpness": mean} | {name: found[name] for name in names})
    return pd.DataFrame(rows)
