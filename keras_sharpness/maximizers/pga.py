"""Projected gradient ascent, the paper's estimator of worst-case sharpness (section II.B)."""

import dataclasses

from keras import ops

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

    A step size of "auto" fits every radius and every scale of loss and weights. The steps are steepest ones of the
    lengths 2 rho, 2 rho (1 - 1/K), ... 2 rho / K for K steps. The first goes to the point of `SingleStep`, which can
    therefore never rise farther, and the last ones are short enough to settle.

    Attributes:
        num_steps: Ascent steps; each costs one gradient.
        step_size: Factor of the gradient (the paper takes the learning rate of the training); for steepest steps, their
            length as a share of the radius rho; or "auto".
        direction: "gradient" or "steepest". None: "steepest" with a step size of "auto", else "gradient".
        coordinates: "weights" or "scaled": the variable that the plain gradient step is taken and projected in.
    """

    num_steps: int = 5
    step_size: float | str = 0.05
    direction: str | None = None
    coordinates: str = "weights"

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            InputError: If there is no step, the step size is neither positive nor "auto", or a name is unknown.
        """
        require_count("num_steps", self.num_steps)
        if isinstance(self.step_size, str):
            require(self.step_size == "auto", '`step_size` must be a number or "auto"', step_size=self.step_size)
            steepest = self.direction in (None, "steepest")
            require(steepest, '`direction` must be "steepest" with step_size="auto"', direction=self.direction)
        else:
            require_positive("step_size", self.step_size)
        if self.direction is None:
            object.__setattr__(self, "direction", "gradient" if self.step_size != "auto" else "steepest")
        for name, known in (("direction", DIRECTIONS), ("coordinates", COORDINATES)):
            value = getattr(self, name)
            require(value in known, f"`{name}` must be one of {', '.join(known)}", **{name: value})

    def start(self, delta: Weights) -> AscentState:
        """Returns the state of an ascent that begins at a perturbation."""
        return {"point": delta} | ({"left": ops.ones(())} if self.step_size == "auto" else {})

    def step(self, state: AscentState, value: Array, gradient: Weights, region: Region) -> AscentState:
        """Returns the state after one step.

        Args:
            state: The state; its entry "point" is the perturbation.
            value: Loss at the point.
            gradient: Gradient of the loss at the point.
            region: The set of perturbations.
        """
        del value
        if self.step_size == "auto":
            share = ops.cast(2 * state["left"], gradient[0].dtype)
            moved = tree.adding_scaled(state["point"], share, region.steps(gradient))
            return {"point": region.project(moved), "left": state["left"] - 1 / self.num_steps}
        if self.direction == "gradient" and self.coordinates == "weights":
            # One array after another, where the projection can: all of them take the memory of one more model.
            return {"point": region.project_weights(tree.adding_scaled(state["point"], self.step_size, gradient))}
        step = region.steps(gradient)
        if self.direction == "gradient":
            step = tree.Each(lambda c, g: c * c * g, region.scale, gradient)
        return {"point": region.project(tree.adding_scaled(state["point"], self.step_size, step))}
