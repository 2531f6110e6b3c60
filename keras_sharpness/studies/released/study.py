"""A study by the released code's procedure."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from keras_sharpness.data.dataset import Dataset
from keras_sharpness.distribution import map_in_threads
from keras_sharpness.pools.member import Member
from keras_sharpness.studies.released.ascents import ASCENTS
from keras_sharpness.studies.released.particulars import ReleasedConfig
from keras_sharpness.studies.study import Study
from keras_sharpness.typing import State, Weights


class ReleasedStudy(Study):
    """Trains and measures as the released code does, but for the particulars that follow the paper."""

    config: ReleasedConfig

    def __init__(
        self, config: ReleasedConfig, dataset: Dataset, plan: str | None = None, distribution: Any = None
    ) -> None:
        """Builds the network and compiles what all members share; see `Study`.

        Args:
            config: The settings.
            dataset: What `released.data.load` returned.
            plan: "vectorized" or "sequential"; None: the faster.
            distribution: What to share out the training over; the released ascents run whole in every process.
        """
        # Whole training sets leave nothing to gain from several members at once, and no longer fit the caches.
        full = config.schedule.full_gradient
        super().__init__(config, dataset, plan or ("sequential" if full else None), distribution)
        self._ascent = None
        if not config.follows_paper("ascent"):
            kind = ASCENTS[config.model]
            on = (self.objective, self.training_data, self.training_examples)
            self._ascent = kind(config, *on, self._training_loss)

    def measure(self, members: Iterable[Member]) -> Iterator[tuple[int, np.ndarray]]:
        """Returns an iterator of (index, what a member's sharpness follows from); see the ascents."""
        ascent = self._ascent
        return map_in_threads(lambda m: (m.index, ascent(m)), members) if ascent else super().measure(members)

    def sharpness(self, losses: np.ndarray) -> dict[str, float]:
        """Returns `sharpness` and `sharpness_standard_error`."""
        return self._ascent.sharpness(losses) if self._ascent else super().sharpness(losses)

    def _means(self, weights: Weights, state: State, indices: np.ndarray) -> list[float]:
        if self.config.model != "lenet" or self.config.follows_paper("averages"):
            return super()._means(weights, state, indices)
        # Deviation: the mean of the batches' means, in which the smaller last batch counts as much as the others.
        whole = len(indices) // self.config.schedule.batch_size
        parts = np.split(indices, [whole * self.config.schedule.batch_size])
        means = [super(ReleasedStudy, self)._means(weights, state, part) for part in parts if part.size]
        return list(np.average(means, axis=0, weights=[whole, 1][: len(means)]))

    def _training_loss(self, weights: Weights, state: State) -> float:
        return self._means(weights, state, self.dataset.train)[0]
