"""The particular `matching`: ascended losses of one pool minus the training losses of another."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from keras_sharpness.distribution import map_in_threads
from keras_sharpness.pools.member import Member, member_seed
from keras_sharpness.pools.trainer import Trainer
from keras_sharpness.studies.measurement import Arrays, Measurement
from keras_sharpness.typing import State, Weights

# The other pool's seed is that of a place that no pool reaches: no member shares its draws with one of this pool.
SEED_PLACE = 2**31


class OtherPool:
    """Measures each member with the network of the same place in another pool; see `Measurement`.

    The published Abalone figure was made so: the file of ascended weights was left by an earlier training. The other
    networks are trained when they are needed and not kept.
    """

    def __init__(self, measurement: Measurement, trainer: Trainer) -> None:
        """Takes the parts.

        Args:
            measurement: Climbs.
            trainer: Trains the other pool; see `other_seed`.
        """
        self._measurement, self._trainer = measurement, trainer

    def paths(self, members: Iterable[Member]) -> Iterator[Arrays]:
        """Returns an iterator of the `losses` of the other networks, with this pool's in column 0."""
        here, there = itertools.tee(members)
        others = map_in_threads(lambda member: self._train(member.index), there)
        return map(_mix, self._measurement.starts(here), self._measurement.paths(others))

    def starts(self, members: Iterable[Member]) -> Iterator[np.ndarray]:
        """Returns an iterator of column 0 of `paths`."""
        return self._measurement.starts(members)

    def prepare(self, weights: Weights, state: State) -> None:
        """Compiles the ascents; see `Measurement`."""
        self._measurement.prepare(weights, state)

    def sharpness(self, losses: np.ndarray) -> dict[str, float]:
        """Returns the difference of the two networks' losses, which can be negative; see `Measurement`."""
        return self._measurement.sharpness(losses)

    def _train(self, index: int) -> Member:
        # By itself, so that its numbers do not depend on the number of cores.
        (member,) = self._trainer.train([index], slots=1)
        return member


def other_seed(seed: int) -> int:
    """Returns the seed of the other pool.

    Args:
        seed: The seed of this pool.
    """
    return member_seed(seed, SEED_PLACE)


def _mix(start: np.ndarray, found: Arrays) -> Arrays:
    return {"losses": np.concatenate([start[:, None], found["losses"][:, 1:]], axis=1)}
