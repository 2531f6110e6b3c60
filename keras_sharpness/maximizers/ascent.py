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


class Seen(NamedTuple):
    """What is known of the points that the ascents are at.

    Attributes:
        point: The perturbations.
        values: The record that `Problem` returns of them.
        region: The set of perturbations.
        gradient: The gradients there; None at the last points, where none is taken.
        first: The gradients at the start, if the ascent is watched.
    """

    point: Weights
    values: Any
    region: Region
    gradient: Weights | None
    first: Weights


Recorder: TypeAlias = Callable[[Seen], Array]
"""From what is known of the points to what is recorded of them, shape (n,)."""


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
        watch: Whether to keep the gradients at the start for the recorders and to evaluate a single step along them.
            It takes the memory of a copy of the perturbations and one forward pass.

    Returns:
        A function of the arguments of `pose` that returns what was found.
    """
    rule = BestSoFar(maximizer) if keep_best else maximizer
    part = backend.compile if compile_parts else lambda fn, **_: fn

    def look(seen: Seen) -> dict[str, Array]:
        names = [*record]
        return dict(zip(names, tree.in_turn(record[name](seen) for name in names), strict=True))

    def begin(*context: Any) -> AscentState:
        start = pose(*context).start()
        state = copies.for_each(rule.start, start[0].shape[0])(start)
        return {"rule": state, "first": tree.zeros_like(start) if watch else [], "k": ops.zeros((), "int32")}

    def advance(state: AscentState, *context: Any) -> tuple[AscentState, dict[str, Array]]:
        problem, before = pose(*context), state["rule"]
        values, gradient = problem.values_and_gradients(before["point"])
        # What follows would else take its memory while the gradient takes its own.
        with backend.after(gradient):
            region = problem.region()
            first = backend.choose(state["k"] == 0, gradient, state["first"]) if watch else []
            seen = look(Seen(before["point"], values, region, gradient, first))

        def step(state: AscentState, value: Array, gradient: Weights) -> AscentState:
            return rule.step(state, value, gradient, region)

        with backend.after(seen):
            following = copies.for_each(step, values.losses.shape[0])(before, values.losses, gradient)
        return {"rule": following, "first": first, "k": state["k"] + 1}, seen

    def finish(state: AscentState, *context: Any) -> tuple[dict[str, Array], Weights]:
        problem, last = pose(*context), state["rule"]
        values = problem.values(last["point"])
        best = copies.for_each(keep_better, values.losses.shape[0])(last, values.losses)["best"] if keep_best else []
        with backend.after(values):
            return look(Seen(last["point"], values, problem.region(), None, state["first"])), best

    def step_once(state: AscentState, *context: Any) -> dict[str, Array]:
        problem, first = pose(*context), state["first"]
        point = copies.for_each(problem.region().steepest, first[0].shape[0])(first)
        return look(Seen(point, problem.values(point), problem.region(), None, first))

    begin, finish, step_once = part(begin), part(finish), part(step_once)
    advance = part(advance, spent=(0,))

    def climb(*context: Any) -> Climb:
        outputs = dict.fromkeys(record, keras.config.floatx())
        end, path = scan(lambda state, _: advance(state, *context), begin(*context), None, rule.num_steps, outputs)
        last, best = finish(end, *context)
        whole = {name: ops.transpose(ops.concatenate([path[name], last[name][None]])) for name in record}
        return Climb(whole, best, step_once(end, *context) if watch else {})

    return climb


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
