"""One step to the boundary, as sharpness-aware minimization takes (arXiv:2010.01412, equation 2)."""

import dataclasses

from keras_sharpness.maximizers.ascent import AscentState
from keras_sharpness.perturbations import Region
from keras_sharpness.typing import Array, Weights


@dataclasses.dataclass(frozen=True, kw_only=True)
class SingleStep:
    """The steepest step to the boundary of the ball: the maximum of the loss's linearization."""

    @property
    def num_steps(self) -> int:
        """One."""
        return 1

    def start(self, delta: Weights) -> AscentState:
        """Returns the state of an ascent that begins at a perturbation."""
        return {"point": delta}

    def step(self, state: AscentState, value: Array, gradient: Weights, region: Region) -> AscentState:
        """Returns the state after the step.

        Args:
            state: The state; its entry "point" is the perturbation.
            value: Loss at the point.
            gradient: Gradient of the loss at the point.
            region: The set of perturbations.
        """
        del state, value
        return {"point": region.steepest(gradient)}
