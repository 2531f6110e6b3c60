"""Sharpness and gradient norms of a finished pool for many radii and batch sizes (tables of them: `sweep_tables`)."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from keras_sharpness.errors import InputError, require, require_count, require_non_negative
from keras_sharpness.execution.grid import Grid
from keras_sharpness.execution.plan import ASCENT_BATCH
from keras_sharpness.files.checksum import arrays_of, save_compressed
from keras_sharpness.files.lock import alone_in
from keras_sharpness.files.numbered import NumberedFiles
from keras_sharpness.maximizers import num_starts
from keras_sharpness.measures.batches import draw_batches
from keras_sharpness.measures.climbing import LossPaths
from keras_sharpness.measures.worst_case import WorstCaseSharpness
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.store import PoolStore, files_of_arrays, save_arrays_of
from keras_sharpness.studies.folder import write_csv
from keras_sharpness.studies.run import Stopped, progress
from keras_sharpness.studies.study import Study
from keras_sharpness.studies.sweep_tables import Swept, pairs, per_batch_size, per_setting

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
        grids = [self._grid(study, m, plan) for m in ms]
        self._paths = [LossPaths(grid, study.ball, study.maximizer) for grid in grids]

    def measure(self, members: Iterable[Member]) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yields (index, sharpness, gradient norms), a group of members at a time.

        The sharpness has the shape (len(rhos), len(ms)). The norms are means over the batches, shape (len(ms),).
        """
        waiting = iter(members)
        while group := [*itertools.islice(waiting, GROUP)]:
            found = [[[*paths((m.tensors() for m in group), rho)] for paths in self._paths] for rho in self.rhos]
            for k, member in enumerate(group):
                sharpness = [[WorstCaseSharpness(of_m[k].losses).value for of_m in of_rho] for of_rho in found]
                # At the weights themselves: the same at every radius.
                norms = [of_m[k].gradient_norms.mean() for of_m in found[0]]
                yield member.index, np.array(sharpness), np.array(norms)

    def _grid(self, study: Study, m: int | str, plan: str | None) -> Grid:
        train, config = study.dataset.train, study.config
        if m == FULL:
            batches = np.asarray(train)[None]
        else:
            require_count("m", int(m))
            batches = draw_batches(train, int(m), config.num_batches, config.seed)
        draws = num_starts(study.maximizer)
        return Grid(study.objective, study.data, batches, draws=draws, plan=plan, batch_size=ASCENT_BATCH)


def run_sweep(
    sweep: Sweep,
    folder: Path,
    num_models: int,
    stop: Callable[[], bool] = lambda: False,
) -> pd.DataFrame:
    """Measures the first models of a run's pool; continues an interrupted sweep.

    Leaves in the run's folder: `sweep.npz`, the numbers of each model; `sweep.csv`, a row for each radius and batch
    size; `sweep_batch_sizes.csv`, a row for each batch size; `sweep_pairs.csv`, a row for each pair of settings.

    Args:
        sweep: What to measure.
        folder: The run's folder.
        num_models: How many of its models.
        stop: Asked before each model whether to stop.

    Returns:
        The rows of `sweep.csv`; see `sweep_tables.per_setting`.

    Raises:
        InputError: If the folder does not hold that many trained models, or a sweep of other radii or batch sizes.
        Stopped: If `stop` said so before all was done.
    """
    with alone_in(folder):
        store, files = PoolStore(folder), files_of_arrays(folder / "sweep")
        files.pack()
        trained = store.trained()
        require(
            set(range(num_models)) <= trained,
            f"{folder} must hold the weights of the first {num_models} models; the run's command makes them",
            trained=len(trained),
        )
        missing = sorted({*range(num_models)} - files.whole()[0])
        indices = itertools.takewhile(lambda _: not stop(), missing)
        members = (store.load_member(index) for index in indices)
        for index, sharpness, norms in progress(sweep.measure(members), missing, "sweep", sweep.study):
            sizes = {"rhos": sweep.rhos, "ms": np.array(sweep.ms, str)}
            save_arrays_of(files, index, **sizes, sharpness=sharpness, gradient_norms=norms)
        if stop():
            raise Stopped
        rows = [_load(files, index, sweep, folder / "sweep") for index in range(num_models)]
        test_losses = [store.load_row(index, "test_loss")["test_loss"] for index in range(num_models)]
        return _write(folder, sweep, rows, np.array(test_losses))


def _write(folder: Path, sweep: Sweep, rows: list[dict[str, np.ndarray]], test_losses: np.ndarray) -> pd.DataFrame:
    columns = {name: np.stack([row[name] for row in rows]) for name in ("sharpness", "gradient_norms")}
    sizes = {"rhos": np.array(sweep.rhos), "ms": np.array(sweep.ms, str)}
    save_compressed(folder / "sweep.npz", **sizes, **columns, test_losses=test_losses)
    swept = Swept(rhos=sweep.rhos, ms=sweep.ms, **columns, test_losses=test_losses)
    write_csv(folder / "sweep_batch_sizes.csv", per_batch_size(swept))
    write_csv(folder / "sweep_pairs.csv", pairs(swept))
    table = per_setting(swept)
    write_csv(folder / "sweep.csv", table)
    return table


def _load(files: NumberedFiles, index: int, sweep: Sweep, folder: Path) -> dict[str, np.ndarray]:
    path = files.where(index)
    arrays = arrays_of(files.read(index), path)
    whole = {"rhos", "ms", "sharpness"} <= arrays.keys()
    require(whole, f"{path} must hold rhos, ms and sharpness of a model", names=[*arrays])
    rhos, ms = arrays["rhos"].tolist(), arrays["ms"].tolist()
    if (rhos, ms) != (sweep.rhos, [str(m) for m in sweep.ms]):
        raise InputError(
            f"{folder} must hold a sweep of the same radii and batch sizes; remove it to start afresh. "
            f"Received: rhos {rhos} and ms {ms} there, {sweep.rhos} and {sweep.ms} now"
        )
    whole = "gradient_norms" in arrays
    require(whole, f"{folder} must hold gradient norms, not only sharpness as of old; remove it to start afresh")
    shapes = arrays["sharpness"].shape, arrays["gradient_norms"].shape
    fits = shapes == ((len(rhos), len(ms)), (len(ms),))
    require(fits, f"{path} must hold a sharpness for each rho and m", shapes=shapes)
    return arrays
