"""Auto-PGD: momentum, and a step size that halves itself (Croce and Hein, arXiv:2003.01690, algorithm 1)."""

import dataclasses
import math

from keras import ops

from keras_sharpness.arrays import tree
from keras_sharpness.errors import require, require_count, require_positive
from keras_sharpness.maximizers.ascent import AscentState, keep_better
from keras_sharpness.perturbations import Region
from keras_sharpness.typing import Array, Weights


@dataclasses.dataclass(frozen=True, kw_only=True)
class APGD:
    """Steepest ascent with momentum, without a step size to choose.

        z = P(x + h * steepest direction)
        x <- P(x + momentum (z - x) + (1 - momentum) (x - x of the step before))

    h begins at twice the radius. At checkpoints it is halved, and the climb goes on from the best point seen, if fewer
    than `min_rises` of the steps since the last checkpoint raised the loss, or if h and the best loss are both as they
    were at the last checkpoint.

    Attributes:
        num_steps: Ascent steps; each costs one gradient.
        step_size: First h, as a share of the radius rho.
        momentum: Share of the new step.
        min_rises: Share of steps that must raise the loss.
    """

    num_steps: int = 20
    step_size: float = 2.0
    momentum: float = 0.75
    min_rises: float = 0.75

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            InputError: If there is no step, or a number is out of range.
        """
        require_count("num_steps", self.num_steps)
        require_positive("step_size", self.step_size)
        for name in ("momentum", "min_rises"):
            require(
                0 < getattr(self, name) <= 1, f"`{name}` must be above 0 and at most 1", **{name: getattr(self, name)}
            )

    def start(self, delta: Weights) -> AscentState:
        """Returns the state of an ascent that begins at a perturbation."""
        lowest, none = ops.full((), -float("inf")), ops.zeros(())
        best = {"best": delta, "best_gradient": tree.zeros_like(delta), "best_value": lowest}
        checkpoint = {"value_at_checkpoint": lowest, "size_at_checkpoint": none}
        counts = {"k": ops.zeros((), "int32"), "rises": none, "last_value": lowest}
        size = {"size": ops.full((), self.step_size)}
        return {"point": delta, "previous": delta, **best, **checkpoint, **counts, **size}

    def step(self, state: AscentState, value: Array, gradient: Weights, region: Region) -> AscentState:
        """Returns the state after one step.

        Args:
            state: The state; its entry "point" is the perturbation.
            value: Loss at the point.
            gradient: Gradient of the loss at the point.
            region: The set of perturbations.
        """
        state = self._look(state, value, gradient)
        halve, state = self._check(state)
        point, previous = (tree.where(halve, state["best"], state[name]) for name in ("point", "previous"))
        gradient = tree.where(halve, state["best_gradient"], gradient)
        # One array after another, where the projection can: all targets take the memory of one more model.
        target = region.projecting(tree.adding_scaled(point, state["size"], region.steps(gradient)))
        # There is no momentum yet in the first step.
        momentum = ops.where(state["k"] == 0, 1.0, self.momentum)

        def moved(x: Array, before: Array, z: Array) -> Array:
            m = tree.of_type(momentum, x)
            return x + (m * (z - x) + (1 - m) * (x - before))

        points = map(moved, point, previous, target)
        return state | {"point": region.project(points), "previous": point, "k": state["k"] + 1}

    def _look(self, state: AscentState, value: Array, gradient: Weights) -> AscentState:
        """Returns the state that knows of the loss at the point."""
        better = value > state["best_value"]
        rose = ops.cast(value > state["last_value"], value.dtype)
        return keep_better(state, value) | {
            "best_gradient": tree.where(better, gradient, state["best_gradient"]),
            "rises": state["rises"] + ops.where(state["k"] > 0, rose, 0.0),
            "last_value": value,
        }

    def _check(self, state: AscentState) -> tuple[Array, AscentState]:
        """Returns whether to halve the step size and go back to the best point, and the state with that size."""
        interval = ops.take(ops.convert_to_tensor(self._intervals(), state["rises"].dtype), state["k"], axis=0)
        at_checkpoint = interval > 0
        few_rises = state["rises"] < self.min_rises * interval
        stuck = ops.logical_and(
            state["size_at_checkpoint"] == state["size"], state["value_at_checkpoint"] == state["best_value"]
        )
        halve = ops.logical_and(at_checkpoint, ops.logical_or(few_rises, stuck))
        return halve, state | {
            "size": ops.where(halve, state["size"] / 2, state["size"]),
            "size_at_checkpoint": ops.where(at_checkpoint, state["size"], state["size_at_checkpoint"]),
            "value_at_checkpoint": ops.where(at_checkpoint, state["best_value"], state["value_at_checkpoint"]),
            "rises": ops.where(at_checkpoint, 0.0, state["rises"]),
            # After going back, the best loss is the last.
            "last_value": ops.where(halve, state["best_value"], state["last_value"]),
        }

    def _intervals(self) -> list[float]:
        """Returns the steps since the last checkpoint for each step that is one, and zero for the others."""
        intervals = [0.0] * (self.num_steps + 1)
        shares = [0.0, 0.22]
        before = 0
        while (step := math.ceil(shares[-1] * self.num_steps)) < self.num_steps:
            if step > before:
                intervals[step] = float(step - before)
                before = step
            shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
        return intervals
