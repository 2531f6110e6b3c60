"""What a pool's numbers are means of, kept so that anyone can resample batches and test examples.

`details.npz` in a run's folder holds, with a row per model,

- `rises`: the largest rise of the loss on each batch, whose mean is the sharpness, shape (num_models, num_batches);
- `gradient_norms`: the norm of the gradient on each batch, dual to that of the ball, in its scale; rho times the mean
  is the sharpness to first order;
- `test_losses`: the loss of each test example, shape (num_models, num_test).
"""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from keras_sharpness.execution.grid import Grid
from keras_sharpness.files.checksum import save_compressed
from keras_sharpness.measures.batches import draw_batches
from keras_sharpness.measures.gradient import batch_gradient_norms
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective
from keras_sharpness.perturbations import Ball
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.scores import compile_example_losses
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.studies.config import StudyConfig

FILE = "details.npz"
# Where the measurement follows these, all models share the batches and their losses are means over examples.
NEEDED = ("ascent", "matching", "averages")


class DetailedMeasurement:
    """Measures members on each batch and each test example."""

    def __init__(
        self,
        config: StudyConfig,
        objective: Objective,
        data: LabelledData,
        train: np.ndarray,
        test: np.ndarray,
        ball: Ball,
    ) -> None:
        """Compiles both measurements.

        Args:
            config: The study.
            objective: The loss.
            data: Inputs and targets.
            train: Indices of the training examples, which the batches are drawn from.
            test: Indices of the test examples.
            ball: The set of perturbations.
        """
        self._test = test
        self._norms = batch_gradient_norms(
            Grid(objective, data, draw_batches(train, config.m, config.num_batches, config.seed)), ball
        )
        self._losses = compile_example_losses(objective, data)

    def measure(self, members: Iterable[Member]) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """Yields each member's place in the pool, and its `gradient_norms` and `test_losses`."""
        members, measured = itertools.tee(members)
        # The batches of the next members run meanwhile.
        for member, norms in zip(members, self._norms(m.tensors() for m in measured), strict=True):
            losses = self._losses(*member.tensors(), self._test)
            yield member.index, {"gradient_norms": norms, "test_losses": losses}


def write_details(folder: Path, store: PoolStore, rises: list[np.ndarray]) -> None:
    """Writes `details.npz`.

    Args:
        folder: The run's folder.
        store: Its members.
        rises: The rises of each member.
    """
    rows = [store.load_details(index) for index in range(len(rises))]
    columns = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    save_compressed(folder / FILE, rises=np.stack(rises), **columns)
