"""Random starts around any maximizer."""

import dataclasses

from keras import ops

from keras_sharpness.arrays import tree
from keras_sharpness.errors import require, require_count, require_seed
from keras_sharpness.maximizers.ascent import AscentState, Maximizer
from keras_sharpness.perturbations import Region
from keras_sharpness.typing import Array, Weights


def check_maximizer(maximizer: Maximizer) -> Maximizer:
    """Returns a maximizer.

    Args:
        maximizer: What a user gave as that.

    Raises:
        InputError: If it has not the methods of one, or is a class instead of an instance.
    """
    complete = all(hasattr(maximizer, name) for name in ("num_steps", "start", "step"))
    known = complete and not isinstance(maximizer, type)
    require(known, "`maximizer` must be one, such as PGA(), APGD() or SingleStep()", maximizer=maximizer)
    return maximizer


def num_starts(maximizer: Maximizer) -> int:
    """Returns how many ascents a maximizer makes on each batch."""
    return maximizer.num_starts if isinstance(maximizer, Restarts) else 1


def starting_point(maximizer: Maximizer, region: Region, batch: Array, start: Array) -> Weights:
    """Returns where an ascent begins, inside the region.

    Args:
        maximizer: The maximizer.
        region: The set of perturbations.
        batch: Index of the batch, a scalar.
        start: Index of the ascent on this batch, a scalar below `num_starts`.

    Returns:
        No perturbation, except for later starts of `Restarts`.
    """
    if isinstance(maximizer, Restarts):
        return maximizer.starting_point(region, batch, start)
    return [ops.zeros_like(c) for c in region.scale]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Restarts:
    """Runs a maximizer several times on each batch and keeps the best: first as it is, then from random points.

    The random points are uniform in the ball. Those of fewer restarts are the first of those of more, so that a further
    restart never lowers the result. Restarts of `Restarts` multiply.

    Attributes:
        maximizer: The maximizer.
        num_restarts: Runs on each batch; the first begins where the maximizer itself does.
        seed: Seed of the random points.
    """

    maximizer: Maximizer
    num_restarts: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            InputError: If there is no run, the seed is negative, or `maximizer` is none.
        """
        check_maximizer(self.maximizer)
        require_count("num_restarts", self.num_restarts)
        require_seed(self.seed)

    @property
    def num_steps(self) -> int:
        """Steps of each ascent."""
        return self.maximizer.num_steps

    @property
    def num_starts(self) -> int:
        """Ascents on each batch."""
        return self.num_restarts * num_starts(self.maximizer)

    def start(self, delta: Weights) -> AscentState:
        """Returns the state of an ascent that begins at a perturbation."""
        return self.maximizer.start(delta)

    def step(self, state: AscentState, value: Array, gradient: Weights, region: Region) -> AscentState:
        """Returns the state after one step of the maximizer; arguments as of its own."""
        return self.maximizer.step(state, value, gradient, region)

    def starting_point(self, region: Region, batch: Array, start: Array) -> Weights:
        """Returns where an ascent begins; see the function of this name.

        The starts of the wrapped maximizer come first, as they are. All later ones are random.
        """
        own = num_starts(self.maximizer)
        first = starting_point(self.maximizer, region, batch, ops.minimum(start, own - 1))
        drawn = region.sample(self.seed, batch, start)
        return tree.where(start < own, first, drawn)
