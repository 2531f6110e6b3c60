"""How the members of a pool are measured: what each kind of measurement offers, and the paper's."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeAlias

import numpy as np

from keras_sharpness.errors import require
from keras_sharpness.execution.grid import Grid
from keras_sharpness.maximizers import Maximizer, num_starts
from keras_sharpness.measures.batches import draw_batches
from keras_sharpness.measures.climbing import LossPaths
from keras_sharpness.measures.worst_case import WorstCaseSharpness
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective
from keras_sharpness.perturbations import Ball
from keras_sharpness.pools.member import Member
from keras_sharpness.statistics import standard_error
from keras_sharpness.studies.config import StudyConfig
from keras_sharpness.typing import State, Weights

Arrays: TypeAlias = dict[str, np.ndarray]
"""Arrays by name, as a pool's files hold them."""


class Measurement(Protocol):
    """Climbs from the weights of members, and computes their sharpness from the losses on the way."""

    def paths(self, members: Iterable[Member]) -> Iterator[Arrays]:
        """Returns an iterator of the `losses` of each member; column 0 is at the trained weights.

        Where all members share the batches, there are `gradient_norms` too, of each batch at the trained weights.
        """
        ...

    def starts(self, members: Iterable[Member]) -> Iterator[np.ndarray]:
        """Returns an iterator of column 0 of `paths`."""
        ...

    def prepare(self, weights: Weights, state: State) -> None:
        """Compiles what will climb, as far as that takes no more than one small ascent from any weights."""
        ...

    def sharpness(self, losses: np.ndarray) -> dict[str, float]:
        """Returns `sharpness` and `sharpness_standard_error` of a member from its losses.

        Raises:
            InputError: If the losses are of another study.
        """
        ...


class BatchAscents:
    """The paper's measurement: ascents on batches that are the same for all members."""

    def __init__(
        self,
        config: StudyConfig,
        objective: Objective,
        data: LabelledData,
        train: np.ndarray,
        ball: Ball,
        maximizer: Maximizer,
        plan: str | None = None,
        distribution: Any = None,
    ) -> None:
        """Compiles the ascents.

        Args:
            config: The study.
            objective: The loss.
            data: Inputs and targets.
            train: Indices of the training examples, which the batches are drawn from.
            ball: The set of perturbations.
            maximizer: How to climb.
            plan: "vectorized" or "sequential"; None: the faster.
            distribution: Where the ascents run; None: in this process.
        """
        # With other batches for each member, differences between members would be those of the draws too.
        batches = draw_batches(train, config.m, config.num_batches, config.seed)
        draws = num_starts(maximizer)
        grid = Grid(objective, data, batches, draws=draws, plan=plan, distribution=distribution)
        self._shape = (config.num_batches, maximizer.num_steps + 1)
        self._paths = LossPaths(grid, ball, maximizer)
        # Losses of two networks have no common start: their difference can be negative.
        self._start_counts = config.follows_paper("matching")

    def paths(self, members: Iterable[Member]) -> Iterator[Arrays]:
        """Returns an iterator of `losses` along the ascents, shape (num_batches, num_steps + 1), and norms."""
        return (found._asdict() for found in self._paths(member.tensors() for member in members))

    def starts(self, members: Iterable[Member]) -> Iterator[np.ndarray]:
        """Returns an iterator of the losses at the trained weights, shape (num_batches,)."""
        return (found["losses"][:, 0] for found in self.paths(members))

    def prepare(self, weights: Weights, state: State) -> None:
        """Climbs on the first batches only; see `Measurement`."""
        self._paths.prepare(weights, state)

    def sharpness(self, losses: np.ndarray) -> dict[str, float]:
        """Returns the mean over batches of the largest rise; see `Measurement`."""
        return mean_rise(self.rises(losses))

    def rises(self, losses: np.ndarray) -> np.ndarray:
        """Returns the largest rise on each batch, shape (num_batches,).

        Raises:
            InputError: If the losses are of another study.
        """
        require(losses.shape == self._shape, f"a model's losses must have shape {self._shape}", shape=losses.shape)
        if self._start_counts:
            return WorstCaseSharpness(losses).per_batch
        losses = losses.astype(np.float64)
        return np.asarray(losses[:, 1:].max(axis=1) - losses[:, 0])


def mean_rise(rises: np.ndarray) -> dict[str, float]:
    """Returns the mean of rises of the loss, shape (num_rises,), as a member's sharpness, and its standard error."""
    return {"sharpness": float(rises.mean()), "sharpness_standard_error": standard_error(rises)}


def with_indices(measurement: Measurement, members: Iterable[Member]) -> Iterator[tuple[int, Arrays]]:
    """Returns an iterator of members' places in the pool and what `paths` has of them."""
    members, measured = itertools.tee(members)
    return zip((member.index for member in members), measurement.paths(measured), strict=True)
