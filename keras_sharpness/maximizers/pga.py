"""Projected gradient ascent, the paper's estimator of worst-case sharpness (section II.B)."""

import dataclasses

from keras import ops

from keras_sharpness import backend, tree
from keras_sharpness.errors import require, require_count, require_positive
from keras_sharpness.typing import Array, ScalarFn, Weights

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

    def path(self, loss: ScalarFn, start: Weights, project) -> Array:
        """Climbs from `start` and records the loss at each point.

        Args:
            loss: Loss as a function of the perturbation.
            start: Perturbation to start from, inside the set.
            project: Projection onto the set of perturbations.

        Returns:
            Losses, shape (num_steps + 1,): at the start, then after each step.
        """
        loss_and_gradient = backend.value_and_grad(loss)

        def step(delta: Weights, _: None) -> tuple[Weights, Array]:
            value, gradient = loss_and_gradient(delta)
            return project(tree.add_scaled(delta, self.step_size, gradient)), value

        end, losses = backend.scan(step, start, length=self.num_steps)
        return ops.concatenate([losses, ops.reshape(loss(end), (1,))])
