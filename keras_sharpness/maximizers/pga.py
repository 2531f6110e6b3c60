"""Projected gradient ascent, the paper's estimator of worst-case sharpness (section II.B)."""

import dataclasses

from keras_sharpness.arrays import tree
from keras_sharpness.errors import require, require_count, require_positive
from keras_sharpness.maximizers.ascent import AscentState
from keras_sharpness.perturbations import Region
from keras_sharpness.typing import Array, Weights

DIRECTIONS = ("gradient", "steepest")
COORDINATES = ("weights", "scaled")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PGA:
    """Projected gradient ascent: delta <- P(delta + step_size * direction).

    With the plain gradient in weight coordinates step and projection are the paper's. In scaled coordinates they are
    those of nu = delta / c, and the whole path, not only the maximum, is blind to rescalings of the weights that keep
    the function. The steepest step is the one in the ball's own norm: sign, normalized gradient or largest entry.

    Attributes:
        num_steps: Ascent steps; each costs one gradient.
        step_size: Factor of the gradient (the paper takes the learning rate of the training), or, for steepest steps,
            their length as a share of the radius rho.
        direction: "gradient" or "steepest".
        coordinates: "weights" or "scaled": the variable that the plain gradient step is taken and projected in.
    """

    num_steps: int = 5
    step_size: float = 0.05
    direction: str = "gradient"
    coordinates: str = "weights"

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            InputError: If there is no step, the step size is not positive, or a name is unknown.
        """
        require_count("num_steps", self.num_steps)
        require_positive("step_size", self.step_size)
        for name, known in (("direction", DIRECTIONS), ("coordinates", COORDINATES)):
            value = getattr(self, name)
            require(value in known, f"`{name}` must be one of {', '.join(known)}", **{name: value})

    def start(self, delta: Weights) -> AscentState:
        """Returns the state of an ascent that begins at a perturbation."""
        return {"point": delta}

    def step(self, state: AscentState, value: Array, gradient: Weights, region: Region) -> AscentState:
        """Returns the state after one step.

        Args:
            state: The state; its entry "point" is the perturbation.
            value: Loss at the point.
            gradient: Gradient of the loss at the point.
            region: The set of perturbations.
        """
        del value
        if self.direction == "gradient" and self.coordinates == "weights":
            return {"point": region.project_weights(tree.add_scaled(state["point"], self.step_size, gradient))}
        if self.direction == "gradient":
            step = [c * c * g for c, g in zip(region.scale, gradient, strict=True)]
        else:
            step = region.steepest(gradient)
        return {"point": region.project(tree.add_scaled(state["point"], self.step_size, step))}
