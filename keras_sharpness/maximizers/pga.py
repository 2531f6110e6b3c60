"""Projected gradient ascent, the paper's estimator of worst-case sharpness (section II.B)."""

import dataclasses

from keras_sharpness import tree
from keras_sharpness.errors import require, require_count, require_positive
from keras_sharpness.maximizers.ascent import State
from keras_sharpness.perturbations import Region
from keras_sharpness.typing import Array, Weights

COORDINATES = ("weights", "scaled")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PGA:
    """Projected gradient ascent with a plain gradient step: delta <- P(delta + step_size * gradient).

    In weight coordinates the step is the paper's. In scaled coordinates it is the same step on nu = delta / c, and the
    whole path, not only the maximum, is blind to rescalings of the weights that keep the function.

    Attributes:
        num_steps: Ascent steps; each costs one gradient.
        step_size: Factor of the gradient. The paper takes the learning rate of the training.
        coordinates: "weights" or "scaled": the variable that the gradient is taken in.
    """

    num_steps: int = 5
    step_size: float = 0.05
    coordinates: str = "weights"

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            InputError: If there is no step, the step size is not positive, or the coordinates are unknown.
        """
        require_count("num_steps", self.num_steps)
        require_positive("step_size", self.step_size)
        require(
            self.coordinates in COORDINATES,
            f"`coordinates` must be one of {', '.join(COORDINATES)}",
            coordinates=self.coordinates,
        )

    def start(self, delta: Weights) -> State:
        """Returns the state of an ascent that begins at a perturbation."""
        return {"point": delta}

    def step(self, state: State, value: Array, gradient: Weights, region: Region) -> State:
        """Returns the state after one step.

        Args:
            state: The state; its entry "point" is the perturbation.
            value: Loss at the point.
            gradient: Gradient of the loss at the point.
            region: The set of perturbations.
        """
        del value
        if self.coordinates == "scaled":
            gradient = [c * c * g for c, g in zip(region.scale, gradient, strict=True)]
        return {"point": region.project(tree.add_scaled(state["point"], self.step_size, gradient))}
