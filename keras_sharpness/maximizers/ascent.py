"""The climb that every maximizer makes, on many batches at once."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

import keras
from keras import ops

from keras_sharpness import backend
from keras_sharpness.arrays import copies, tree
from keras_sharpness.perturbations import Region
from keras_sharpness.typing import Array, Weights

AscentState: TypeAlias = dict[str, Any]
"""What a maximizer remembers from step to step; the entry "point" is the perturbation that it is at."""


class Maximizer(Protocol):
    """A rule for climbing, of one ascent: it never sees that many run at once."""

    @property
    def num_steps(self) -> int:
        """Steps of an ascent; each costs one gradient."""
        ...

    def start(self, delta: Weights) -> AscentState:
        """Returns the state of an ascent that begins at a perturbation."""
        ...

    def step(self, state: AscentState, value: Array, gradient: Weights, region: Region) -> AscentState:
        """Returns the state after one step, given loss and gradient at the point."""
        ...


class Problem(NamedTuple):
    """What is maximized, for many ascents at once.

    Attributes:
        values: From perturbations with a leading axis, one for each ascent, to a record whose `losses` have the shape
            (n,).
        values_and_gradients: The same, and the gradient of each loss with respect to its own perturbation.
        region: Returns the set of perturbations, the same for all. A function, since it takes memory, which gradients
            need too.
        start: Returns the perturbations to start from, with that leading axis, inside the region.
    """

    values: Callable[[Weights], Any]
    values_and_gradients: Callable[[Weights], tuple[Any, Weights]]
    region: Callable[[], Region]
    start: Callable[[], Weights]


class Climb(NamedTuple):
    """What the ascents found.

    Attributes:
        path: What was recorded along each ascent, by name; arrays of shape (n, num_steps + 1).
        best: The perturbation of the highest loss of each ascent, with a leading axis; empty unless asked for.
        single: The same records as in `path` of one steepest step of the full radius from the start, shape (n,); empty
            unless the ascent is watched.
    """

    path: dict[str, Array]
    best: Weights
    single: dict[str, Array]


Recorder: TypeAlias = Callable[[AscentState, Any, Region], Array]
"""From (state, values, region) to what is recorded of a point, shape (n,).

The entry "point" of the state is the point. The others are those after the step from it, or, at the last point, to it.
"""


def ascend(
    maximizer: Maximizer,
    pose: Callable[..., Problem],
    record: Mapping[str, Recorder],
    scan: Callable[..., Any] = backend.scan,
    compile_parts: bool = False,
    keep_best: bool = False,
    watch: bool = False,
) -> Callable[..., Climb]:
    """Returns the function that climbs on many batches at once.

    Args:
        maximizer: The rule.
        pose: From the arguments of the returned function to the problem.
        record: What is recorded along the path, by name.
        scan: How to loop over the steps.
        compile_parts: Whether each step is compiled on its own. Otherwise the returned function is to be compiled as
            a whole.
        keep_best: Whether to return the best perturbations, which takes memory for one more copy of them.
        watch: Whether the maximizer is `Watched`, and a single step is evaluated too. It takes the memory of a copy of
            the perturbations and one forward pass.

    Returns:
        A function of the arguments of `pose` that returns what was found.
    """
    rule = BestSoFar(maximizer) if keep_best else maximizer
    rule = Watched(rule) if watch else rule
    part = backend.compile if compile_parts else lambda fn: fn

    def look(state: AscentState, values: Any, region: Region) -> dict[str, Array]:
        return {name: recorder(state, values, region) for name, recorder in record.items()}

    def begin(*context: Any) -> AscentState:
        start = pose(*context).start()
        return copies.for_each(rule.start, start[0].shape[0])(start)

    def advance(state: AscentState, *context: Any) -> tuple[AscentState, dict[str, Array]]:
        problem = pose(*context)
        values, gradient = problem.values_and_gradients(state["point"])
        region = problem.region()

        def step(state: AscentState, value: Array, gradient: Weights) -> AscentState:
            return rule.step(state, value, gradient, region)

        steps = copies.for_each(step, values.losses.shape[0])
        following = steps(state, values.losses, gradient)
        return following, look(following | {"point": state["point"]}, values, region)

    def finish(state: AscentState, *context: Any) -> tuple[dict[str, Array], Weights]:
        problem = pose(*context)
        values = problem.values(state["point"])
        best = copies.for_each(keep_better, values.losses.shape[0])(state, values.losses)["best"] if keep_best else []
        return look(state, values, problem.region()), best

    def step_once(state: AscentState, *context: Any) -> AscentState:
        region = pose(*context).region()
        steepest = copies.for_each(region.steepest, state["point"][0].shape[0])
        return state | {"point": steepest(state["watched"]["gradient"])}

    begin, advance, finish, step_once = part(begin), part(advance), part(finish), part(step_once)

    def climb(*context: Any) -> Climb:
        outputs = dict.fromkeys(record, keras.config.floatx())
        end, path = scan(lambda state, _: advance(state, *context), begin(*context), None, rule.num_steps, outputs)
        last, best = finish(end, *context)
        whole = {name: ops.transpose(ops.concatenate([path[name], last[name][None]])) for name in record}
        single = finish(step_once(end, *context), *context)[0] if watch else {}
        return Climb(whole, best, single)

    return climb


class Watched(NamedTuple):
    """Notes in the state's entry "watched" what tells how good the point is; the steps of the rule stay as they are.

    The entry holds `gradient`, that at the start; `full`, the rise of the loss's linearization there in the whole
    region; and `ahead`, the rise of the linearization at the last point from that point to the best one of the region.

    Attributes:
        rule: The rule.
    """

    rule: Maximizer

    @property
    def num_steps(self) -> int:
        """Steps of the rule."""
        return self.rule.num_steps

    def start(self, delta: Weights) -> AscentState:
        """Returns the state of an ascent that begins at a perturbation."""
        none = ops.zeros(())
        watched = {"gradient": tree.zeros_like(delta), "full": none, "ahead": none, "begun": none}
        return self.rule.start(delta) | {"watched": watched}

    def step(self, state: AscentState, value: Array, gradient: Weights, region: Region) -> AscentState:
        """Returns the state after one step."""
        watched, begun = state["watched"], state["watched"]["begun"] > 0
        promised = region.reach(gradient), tree.vdot(gradient, state["point"])
        full, gained = (ops.cast(rise, watched["full"].dtype) for rise in promised)
        seen = {
            "gradient": tree.where(begun, watched["gradient"], gradient),
            "full": ops.where(begun, watched["full"], full),
            "ahead": full - gained,
            "begun": ops.ones_like(watched["begun"]),
        }
        inner = {name: entry for name, entry in state.items() if name != "watched"}
        return self.rule.step(inner, value, gradient, region) | {"watched": seen}


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

    def start(self, delta: Weights) -> AscentState:
        """Returns the state of an ascent that begins at a perturbation."""
        inner = self.rule.start(delta)
        return {"point": inner["point"], "inner": inner, "best": delta, "best_value": ops.full((), -float("inf"))}

    def step(self, state: AscentState, value: Array, gradient: Weights, region: Region) -> AscentState:
        """Returns the state after one step."""
        inner = self.rule.step(state["inner"], value, gradient, region)
        return keep_better(state, value) | {"point": inner["point"], "inner": inner}


def keep_better(state: AscentState, value: Array) -> AscentState:
    """Returns a state whose best point is its point, if the loss there is higher."""
    better = value > state["best_value"]
    best = tree.where(better, state["point"], state["best"])
    return state | {"best": best, "best_value": ops.where(better, value, state["best_value"])}
