"""The pools of a row of the atlas: one for each split, and the pilot that says where training stops."""

import dataclasses
import functools
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sharpness.errors import require
from keras_sharpness.pools.pool import Pool
from keras_sharpness.pools.train_pool import train_pool
from keras_sharpness.studies.atlas import protocol
from keras_sharpness.studies.atlas.rows import Examples, Part, Row, examples_of
from keras_sharpness.studies.run import Stopped


class RowPools:
    """The pools of a row, in a folder. Each is trained when it is first asked for, and opened where it is trained."""

    def __init__(self, row: Row, folder: Path, data_dir: str | None = None, **options: Any) -> None:
        """Looks at nothing yet.

        Args:
            row: The row.
            folder: The row's folder.
            data_dir: Folder with the files of FashionMNIST.
            **options: `stop`, `plan` and `distribution` of the training.
        """
        self._row, self._folder, self._data_dir, self._options = row, folder, data_dir, options

    @cached_property
    def _first(self) -> Examples:
        """The first split. Its models serve the other splits too: what is compiled for one is compiled for all."""
        examples = examples_of(self._row, protocol.SPLIT_SEEDS[0], self._data_dir)
        return dataclasses.replace(examples, build=functools.cache(examples.build))

    @cached_property
    def stop_loss(self) -> float:
        """The training loss at which models stop; the pilot that says so sees the training examples alone.

        Raises:
            InputError: If most settings do not train.
        """
        examples = self._first
        settings = {"seed": protocol.PILOT_SEED, "max_epochs": protocol.PILOT_EPOCHS}
        pool = self._train(examples, examples.train, self._folder / "pilot", **settings)
        lowest = [np.nanmin([np.inf, *pool.load(row["index"]).epoch_losses]) for row in pool.rows]
        reached = float(np.quantile(lowest, protocol.PILOT_SHARE, method="higher"))
        must = f"{protocol.PILOT_SHARE:.0%} of the settings of {self._row.name} must train without diverging"
        require(np.isfinite(reached), must, loss=reached)
        return max(reached, protocol.FLOOR)

    def pool(self, split_seed: int) -> Pool:
        """Returns the pool of a split.

        Args:
            split_seed: Seed of the split.

        Raises:
            InputError: If the data are missing, or nothing trains.
            Stopped: If the training was asked to stop.
        """
        examples = self._first
        if split_seed != protocol.SPLIT_SEEDS[0]:
            other = examples_of(self._row, split_seed, self._data_dir)
            examples = dataclasses.replace(examples, train=other.train, test=other.test)
        settings = {"seeds": protocol.SEEDS, "seed": split_seed, "max_epochs": protocol.MAX_EPOCHS}
        folder = self._folder / f"split-{split_seed}"
        return self._train(examples, examples.test, folder, stop_loss=self.stop_loss, **settings)

    def _train(self, examples: Examples, test: Part, folder: Path, **settings: Any) -> Pool:
        optimizer = keras.optimizers.SGD(momentum=protocol.MOMENTUM)
        of = {"loss": examples.loss, "optimizer": optimizer, "initialization": "glorot_uniform", "output_dir": folder}
        pool = train_pool(
            examples.build, examples.train, test, space=self._row.space, **of, **settings, **self._options
        )
        if self._options.get("stop", lambda: False)():
            raise Stopped
        return pool
