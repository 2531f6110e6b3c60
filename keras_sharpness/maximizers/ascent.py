"""The climb that every maximizer makes, on many batches at once."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

from keras import ops

from keras_sharpness import backend
from keras_sharpness.arrays import tree
from keras_sharpness.perturbations import Region
from keras_sharpness.typing import Array, Weights

State: TypeAlias = dict[str, Any]
"""What a maximizer remembers from step to step; the entry "point" is the perturbation that it is at."""


class Maximizer(Protocol):
    """A rule for climbing, of one ascent: it never sees that many run at once."""

    @property
    def num_steps(self) -> int:
        """Steps of an ascent; each costs one gradient."""
        ...

    def start(self, delta: Weights) -> State:
        """Returns the state of an ascent that begins at a perturbation."""
        ...

    def step(self, state: State, value: Array, gradient: Weights, region: Region) -> State:
        """Returns the state after one step, given loss and gradient at the point."""
        ...


class Values(NamedTuple):
    """What is evaluated at the perturbations of many ascents, one entry for each.

    Attributes:
        losses: Shape (n,).
        errors: Error rates, shape (n,); NaN where they mean nothing.
    """

    losses: Array
    errors: Array


class Climb(NamedTuple):
    """What an ascent met.

    Attributes:
        path: Losses and, unless left out, error rates (NaN where they mean nothing) and radii ||delta / c||, shape
            (n, num_steps + 1, 3 or 1).
        best: The perturbation of the highest loss of each ascent, with a leading axis; empty unless asked for.
    """

    path: Array
    best: Weights


def ascend(
    maximizer: Maximizer,
    values: Callable[[Weights], Values],
    values_and_gradients: Callable[[Weights], tuple[Values, Weights]],
    region: Region,
    start: Weights,
    scan: Callable = backend.scan,
    details: bool = True,
    keep_best: bool = False,
) -> Climb:
    """Climbs on many batches at once and records what is met.

    Args:
        maximizer: The rule.
        values: From perturbations with a leading axis, one for each ascent, to losses and error rates there.
        values_and_gradients: The same, and the gradient of each loss with respect to its own perturbation.
        region: The set of perturbations, the same for all.
        start: Perturbations to start from, with that leading axis, inside the region.
        scan: How to loop over the steps.
        details: Whether to record error rates and radii too, at the cost of a few passes over the perturbations.
        keep_best: Whether to return the best perturbations, which takes memory for one more copy of them.

    Returns:
        What was met.
    """
    rule = BestSoFar(maximizer) if keep_best else maximizer
    step = backend.vectorize(
        lambda state, value, gradient: rule.step(state, value, gradient, region), in_axes=(0, 0, 0)
    )
    radius = backend.vectorize(region.radius, in_axes=(0,))

    def record(delta: Weights, met: Values) -> Array:
        return ops.stack([met.losses, met.errors, radius(delta)] if details else [met.losses], axis=-1)

    def advance(state: State, _: None) -> tuple[State, Array]:
        met, gradient = values_and_gradients(state["point"])
        return step(state, met.losses, gradient), record(state["point"], met)

    begin = backend.vectorize(rule.start, in_axes=(0,))(start)
    end, path = scan(advance, begin, length=maximizer.num_steps)
    met = values(end["point"])
    path = ops.concatenate([path, record(end["point"], met)[None]])
    best = backend.vectorize(keep_better, in_axes=(0, 0))(end, met.losses)["best"] if keep_best else []
    return Climb(ops.transpose(path, (1, 0, 2)), best)


class BestSoFar(NamedTuple):
    """Remembers the best point of any rule, in the state's entries "best" and "best_value".

    Attributes:
        rule: The rule.
    """

    rule: Maximizer

    @property
    def num_steps(self) -> int:
        """Steps of the rule."""
        return self.rule.num_steps

    def start(self, delta: Weights) -> State:
        """Returns the state of an ascent that begins at a perturbation."""
        inner = self.rule.start(delta)
        return {"point": inner["point"], "inner": inner, "best": delta, "best_value": ops.full((), -float("inf"))}

    def step(self, state: State, value: Array, gradient: Weights, region: Region) -> State:
        """Returns the state after one step."""
        inner = self.rule.step(state["inner"], value, gradient, region)
        return keep_better(state, value) | {"point": inner["point"], "inner": inner}


def keep_better(state: State, value: Array) -> State:
    """Returns a state whose best point is its point, if the loss there is higher."""
    better = value > state["best_value"]
    best = tree.where(better, state["point"], state["best"])
    return state | {"best": best, "best_value": ops.where(better, value, state["best_value"])}
