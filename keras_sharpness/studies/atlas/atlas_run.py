"""Trains and measures the rows of the atlas, and leaves a table of each."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from keras_sharpness.complexity.measure_pool import measure_pool
from keras_sharpness.errors import InputError
from keras_sharpness.files.lock import alone_in
from keras_sharpness.pools.pool import Pool
from keras_sharpness.studies.atlas import protocol
from keras_sharpness.studies.atlas.answer import keep_criteria
from keras_sharpness.studies.atlas.pools import RowPools
from keras_sharpness.studies.atlas.rows import Row
from keras_sharpness.studies.atlas.tables import table_path, write_table
from keras_sharpness.studies.run import Stopped

POOLS = "pools"
log = logging.getLogger(__name__)


def run_atlas(
    rows: Sequence[Row],
    folder: Path,
    data_dir: str | None = None,
    stop: Callable[[], bool] = lambda: False,
    **where: Any,
) -> dict[str, str]:
    """Trains and measures rows; those whose table is there are done. Weights stay below `folder / POOLS`.

    Several processes may work on one folder: each passes over the rows that another works on.

    Args:
        rows: The rows.
        folder: Folder of the atlas.
        data_dir: Folder with the files of FashionMNIST.
        stop: Asked before each model whether to stop.
        **where: `plan` and `distribution` of the training.

    Returns:
        The reason for each row that has no table.

    Raises:
        Stopped: If `stop` said so before all was done.
    """
    reasons = {}
    for number, row in enumerate(rows):
        if table_path(folder, row.name).exists():
            continue
        log.info("%d of %d: %s", number + 1, len(rows), row.name)
        work = folder / POOLS / row.name
        try:
            with alone_in(work):
                pools = RowPools(row, work, data_dir, stop=stop, **where)
                keep_criteria(folder, write_table(folder, row, *_measured(pools, stop)))
        except InputError as error:
            reasons[row.name] = str(error)
            log.warning("%s is passed over: %s", row.name, error)
    return reasons


def sample_of(pool: Pool) -> dict[str, Any]:
    """Returns the batches that measures of a pool take, as arguments of `Sample`."""
    return {"m": min(protocol.BATCH, len(pool.train.examples)), "num_batches": protocol.NUM_BATCHES}


def _measured(pools: RowPools, stop: Callable[[], bool]) -> tuple[pd.DataFrame, dict[str, Any]]:
    # A row per model of all splits, and what is known of all.
    tables = []
    for seed in protocol.SPLIT_SEEDS:
        pool = pools.pool(seed)
        tables.append(measure_pool(pool, protocol.MEASURES, stop=stop, **sample_of(pool)).assign(split=seed))
        if stop():
            raise Stopped
    sizes = {"num_train": len(pool.train.examples), "num_test": len(pool.test.examples)}
    return pd.concat(tables, ignore_index=True), tables[0].attrs | sizes | {"stop_loss": pools.stop_loss}
