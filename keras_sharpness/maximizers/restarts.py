"""Random starts around any rule."""

import dataclasses

from keras import ops

from keras_sharpness.errors import require, require_count, require_seed
from keras_sharpness.maximizers.ascent import Maximizer, State
from keras_sharpness.perturbations import Region
from keras_sharpness.typing import Array, Weights


def restarts_of(maximizer: Maximizer) -> int:
    """Returns how many ascents a maximizer makes on each batch.

    Args:
        maximizer: The maximizer.

    Raises:
        InputError: If it is none.
    """
    known = hasattr(maximizer, "step") and hasattr(maximizer, "start")
    require(known, "`maximizer` must be one, such as PGA(), APGD() or SingleStep()", maximizer=maximizer)
    return maximizer.num_restarts if isinstance(maximizer, Restarts) else 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Restarts:
    """Runs a rule several times on each batch and keeps the best: from the weights, then from random points.

    The random points are uniform in the ball. Those of fewer restarts are the first of those of more, so that a further
    restart never lowers the result.

    Attributes:
        maximizer: The rule.
        num_restarts: Ascents on each batch; the first begins at the weights themselves.
        seed: Seed of the random points.
    """

    maximizer: Maximizer
    num_restarts: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            InputError: If there is no start or the seed is negative.
        """
        require_count("num_restarts", self.num_restarts)
        require_seed(self.seed)

    @property
    def num_steps(self) -> int:
        """Steps of each ascent."""
        return self.maximizer.num_steps

    def start(self, delta: Weights) -> State:
        """Returns the state of an ascent that begins at a perturbation."""
        return self.maximizer.start(delta)

    def step(self, state: State, value: Array, gradient: Weights, region: Region) -> State:
        """Returns the state after one step of the rule; arguments as of the rule's."""
        return self.maximizer.step(state, value, gradient, region)

    def point(self, region: Region, batch: Array, restart: Array) -> Weights:
        """Returns where a restart begins: no perturbation for the first, a random one for the others.

        Args:
            region: The set of perturbations.
            batch: Index of the batch, a scalar.
            restart: Index of the restart, a scalar.
        """
        away = ops.cast(restart > 0, "float32")
        return [away * d for d in region.sample(self.seed, batch, restart)]
