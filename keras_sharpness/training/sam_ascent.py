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

# The smallest normal float32, for gradients of zeros.
_TINY = 1.2e-38
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

    def kinds(self, model: keras.Model) -> list[str]:
        """Returns for each trainable weight "adaptive" if its scale is |w| + eta, "none" if 1, "fixed" if it stays.

        Raises:
            InputError: If a selection matches nothing.
        """
        count = len(model.trainable_variables)
        moves = [True] * count if self.select == "all" else select(model, self.select)
        scaled = [self.adaptive] * count if isinstance(self.adaptive, bool) else select(model, self.adaptive)
        names = ["adaptive" if own else "none" for own in scaled]
        return [name if moving else "fixed" for name, moving in zip(names, moves, strict=True)]

    def climb(
        self,
        weights: Weights,
        kinds: list[str],
        rho: Array,
        start: tuple[Array, Weights],
        value_and_gradient: Callable[[Weights], tuple[Array, Weights]],
    ) -> Weights:
        """Returns the perturbation at the end of the climb.

        Args:
            weights: The centre of the ball.
            kinds: What moves and how far; see the method of this name.
            rho: Radius of the ball.
            start: Loss and gradient at the weights.
            value_and_gradient: From a perturbation to loss and gradient; called between the steps of the climb.
        """
        norm, (value, gradient) = NORMS[self.norm], start
        if isinstance(self.maximizer, SingleStep) and self.norm == "l2" and set(kinds) == {"none"}:
            # What the lines below give, with fewer passes over all weights, which count on PyTorch.
            flat = [ops.reshape(g, (-1,)) for g in gradient]
            size = ops.sqrt(sum(ops.vdot(g, g) for g in flat))
            return tree.scale(rho / ops.maximum(size, _TINY), gradient)
        region = Region(norm, rho, [self._scale(w, kind) for w, kind in zip(weights, kinds, strict=True)])
        state = self.maximizer.start(tree.zeros_like(gradient))
        for number in range(self.maximizer.num_steps):
            if number:
                value, gradient = value_and_gradient(state["point"])
            state = self.maximizer.step(state, value, gradient, region)
        point: Weights = state["point"]
        return point

    def _scale(self, weight: Array, kind: str) -> Array:
        if kind == "adaptive":
            return Ball(scaling=kind, eta=self.eta).around([weight]).scale[0]
        return ops.ones_like(weight) if kind == "none" else ops.zeros_like(weight)

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
