"""The perturbation of a training step: its settings, and the climb to it."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeAlias

import keras
from keras import ops

from keras_sharpness.arrays import tree
from keras_sharpness.errors import InputError, require, require_count, require_non_negative
from keras_sharpness.maximizers import APGD, PGA, Maximizer, SingleStep, check_maximizer, num_starts
from keras_sharpness.objective.selection import Selection, select
from keras_sharpness.perturbations import NORMS, Ball, Region
from keras_sharpness.typing import Array, Weights

Schedule: TypeAlias = float | keras.optimizers.schedules.LearningRateSchedule
"""A radius, or a schedule of it over the steps of the optimizer."""

MAXIMIZERS = {kind.__name__: kind for kind in (SingleStep, PGA, APGD)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ascent:
    """How a training step climbs to the weights whose gradient it takes.

    Attributes:
        rho: Radius of the ball, or its schedule.
        adaptive: Whether the scale of a weight is c = |w| + eta, as in adaptive SAM, or 1. A selection: c = |w| + eta
            for these weights, 1 for the others.
        eta: Floor added to |w|.
        norm: Norm of the ball.
        m: Examples that climb together; None: the whole batch.
        maximizer: How to climb.
        every: Steps of the optimizer from one that climbs to the next.
        select: Which weights are perturbed.
    """

    rho: Schedule = 0.05
    adaptive: bool | Selection = False
    eta: float = 0.0
    norm: str = "l2"
    m: int | None = None
    maximizer: Maximizer = SingleStep()
    every: int = 1
    select: Selection = "all"

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            InputError: If one is out of range.
        """
        if not isinstance(self.rho, keras.optimizers.schedules.LearningRateSchedule):
            require_non_negative("rho", self.rho)
        require_non_negative("eta", self.eta)
        require(self.norm in NORMS, f"`norm` must be one of {', '.join(NORMS)}", norm=self.norm)
        require_count("every", self.every)
        if self.m is not None:
            require_count("m", self.m)
        check_maximizer(self.maximizer)
        what = "`maximizer` must climb once from the weights, since a training step cannot compare restarts"
        require(num_starts(self.maximizer) == 1, what, maximizer=self.maximizer)

    def radius(self, step: Array) -> Array:
        """Returns the radius at a step of the optimizer."""
        return self.rho if isinstance(self.rho, (int, float)) else self.rho(step)

    def due(self, step: Array) -> Array:
        """Returns whether a step of the optimizer climbs, a scalar."""
        return ops.equal(ops.mod(step, self.every), 0)

    def region(self, weights: Weights, moves: list[bool], scaled: list[bool], rho: Array) -> Region:
        """Returns the ball around the weights.

        Args:
            weights: Its centre.
            moves: Whether each weight is perturbed.
            scaled: Whether its scale is |w| + eta; see `masks`.
            rho: The radius.
        """
        adaptive = Ball(norm=self.norm, scaling="adaptive", eta=self.eta).around(weights).scale
        one = [c if own else ops.ones_like(c) for c, own in zip(adaptive, scaled, strict=True)]
        scale = [c if moving else ops.zeros_like(c) for c, moving in zip(one, moves, strict=True)]
        return Region(NORMS[self.norm], rho, scale)

    def masks(self, model: keras.Model) -> tuple[list[bool], list[bool]]:
        """Returns whether each trainable weight is perturbed, and whether its scale is adaptive.

        Raises:
            InputError: If a selection matches nothing.
        """
        moves = select(model, self.select)
        if isinstance(self.adaptive, bool):
            return moves, [self.adaptive] * len(moves)
        return moves, select(model, self.adaptive)

    def climb(
        self,
        region: Region,
        value: Array,
        gradient: Weights,
        value_and_gradient: Callable[[Weights], tuple[Array, Weights]],
    ) -> Weights:
        """Returns the perturbation at the end of the climb.

        Args:
            region: The ball.
            value: Loss at its centre.
            gradient: Gradient there.
            value_and_gradient: From a perturbation to loss and gradient; called between the steps of the climb.
        """
        state = self.maximizer.start(tree.zeros_like(gradient))
        for number in range(self.maximizer.num_steps):
            if number:
                value, gradient = value_and_gradient(state["point"])
            state = self.maximizer.step(state, value, gradient, region)
        point: Weights = state["point"]
        return point

    def get_config(self) -> dict[str, Any]:
        """Returns the settings, JSON-ready.

        Raises:
            InputError: If the maximizer or a selection is none that a file can hold.
        """
        config = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        kind = type(self.maximizer).__name__
        what = f"`maximizer` must be one of {', '.join(MAXIMIZERS)} to be saved"
        require(MAXIMIZERS.get(kind) is type(self.maximizer), what, maximizer=kind)
        settings = {field.name: getattr(self.maximizer, field.name) for field in dataclasses.fields(MAXIMIZERS[kind])}
        config["maximizer"] = {"name": kind, **settings}
        config["select"], config["adaptive"] = _names(self.select), _names(self.adaptive)
        if isinstance(self.rho, keras.optimizers.schedules.LearningRateSchedule):
            config["rho"] = keras.saving.serialize_keras_object(self.rho)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Ascent":
        """Returns the ascent of some settings."""
        config = dict(config)
        if isinstance(config["rho"], dict):
            config["rho"] = keras.saving.deserialize_keras_object(config["rho"])
        maximizer = dict(config["maximizer"])
        config["maximizer"] = MAXIMIZERS[maximizer.pop("name")](**maximizer)
        return cls(**config)


def _names(selection: bool | Selection) -> Any:
    """Returns what a file can hold of a selection.

    Args:
        selection: The selection.

    Raises:
        InputError: If it is a function.
    """
    if isinstance(selection, (bool, str)):
        return selection
    if isinstance(selection, (keras.layers.Layer, keras.Variable)):
        return str(selection.path)
    if callable(selection):
        raise InputError("`select` and `adaptive` must be names to be saved. Received: a function")
    return [_names(part) for part in selection]
