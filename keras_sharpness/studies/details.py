"""What a pool's numbers are means of, kept so that anyone can resample batches and test examples.

`details.npz` in a run's folder holds, with a row per model,

- `rises`: the largest rise of the loss on each batch, whose mean is the sharpness, shape (num_models, num_batches);
- `gradient_norms`: the norm of the gradient on each batch, dual to that of the ball, in its scale; rho times the mean
  is the sharpness to first order;
- `test_losses`: the loss of each test example, shape (num_models, num_test).
"""

import logging
from pathlib import Path

import numpy as np

from keras_sharpness.files.checksum import save_compressed
from keras_sharpness.pools.store import PoolStore

log = logging.getLogger(__name__)
FILE = "details.npz"
NAMES = ("gradient_norms", "test_losses")
# Where the measurement follows these, all models share the batches and their losses are means over examples.
NEEDED = ("ascent", "matching", "averages")
# Losses of test examples that are kept: 256 MB of them. The details of a larger pool are left out.
MOST_LOSSES = 2**26


def write_details(folder: Path, store: PoolStore, rises: list[np.ndarray]) -> None:
    """Writes `details.npz`.

    Args:
        folder: The run's folder.
        store: Its members.
        rises: The rises of each member.
    """
    columns: dict[str, np.ndarray] = {}
    for index in range(len(rises)):
        row = store.load_details(index)
        if not all(name in row for name in NAMES):
            log.warning("%s is left out: an earlier version measured some models, without their gradient norms", FILE)
            return
        for name in NAMES:
            columns.setdefault(name, np.empty((len(rises), *row[name].shape), row[name].dtype))[index] = row[name]
    save_compressed(folder / FILE, rises=np.stack(rises), **columns)
