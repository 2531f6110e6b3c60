"""Ascents on the batches of a grid, compiled once for any number of models and radii."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, cast

import numpy as np
from keras import ops

from keras_sharpness.arrays import tree
from keras_sharpness.execution.evaluation import Evaluation, Values
from keras_sharpness.execution.grid import Grid, GridFunction
from keras_sharpness.maximizers import AscentState, Climb, Maximizer, Problem, ascend, starting_point
from keras_sharpness.perturbations import Ball, Region
from keras_sharpness.typing import Array, Block, Data, State, Weights

Paths = Callable[..., Climb]
"""From (weights, state, mask=None, rho=None) to what the ascents found on all batches."""


def climbs(grid: Grid, ball: Ball, maximizer: Maximizer, keep_best: bool = False) -> Paths:
    """Compiles the ascents.

    Args:
        grid: The loss and the batches, a cell for each start of the maximizer.
        ball: The set of perturbations.
        maximizer: How to climb.
        keep_best: Whether to return the highest perturbations too.

    Returns:
        A function of (weights, state, mask=None, rho=None), the last two as of `Ball.around`. Its `path` holds losses,
        errors, radii ||delta / c||, and what `diagnostics` needs: `moved`, the sum of |g delta| with the gradient g at
        the start; `full`, the rise of the linearization there in the whole ball; `ahead`, the rise that a linearization
        at the point promises from there, which at the last point is that of the point before. Each has the shape
        (num_batches, num_starts, num_steps + 1).
    """
    run = _compile(grid, ball, maximizer, details=True, keep_best=keep_best)

    def climb(weights: Weights, state: State, mask: Weights | None = None, rho: float | None = None) -> Climb:
        return run(weights, state, mask, np.float32(ball.rho if rho is None else rho))

    return climb


class LossPaths:
    """Losses along the ascents of many models."""

    def __init__(self, grid: Grid, ball: Ball, maximizer: Maximizer) -> None:
        """Compiles the ascents; see `climbs`."""
        self._run, self._rho = _compile(grid, ball, maximizer, details=False, keep_best=False), ball.rho

    def __call__(self, models: Iterable[tuple[Weights, State]], rho: float | None = None) -> Iterator[np.ndarray]:
        """Returns an iterator of the path of the best start on each batch, as `WorstCaseSharpness.losses` has them.

        Args:
            models: Weights and state of one model after another.
            rho: Radius; None: the ball's.
        """
        radius = np.float32(self._rho if rho is None else rho)
        found = self._run.over((weights, state, None, radius) for weights, state in models)
        return (best_paths(climb.path["losses"]) for climb in found)

    def prepare(self, weights: Weights, state: State) -> None:
        """Climbs on the first batches only, so that all is compiled."""
        self._run.prepare(weights, state, None, np.float32(self._rho))


def best_paths(losses: np.ndarray) -> np.ndarray:
    """Returns the path of the best start on each batch, shape (num_batches, num_steps + 1), column 0 being L_S(w).

    Args:
        losses: Losses along all paths, shape (num_batches, num_starts, num_steps + 1); the first start is the weights
            themselves.
    """
    best = losses[:, :, 1:].max(axis=2).argmax(axis=1)
    return np.concatenate([losses[:, :1, 0], losses[np.arange(len(losses)), best, 1:]], axis=1)


def _compile(grid: Grid, ball: Ball, maximizer: Maximizer, details: bool, keep_best: bool) -> GridFunction:
    def make(evaluation: Evaluation) -> Callable[..., Climb]:
        def pose(weights: Weights, state: State, data: Data, block: Block, mask: Weights | None, rho: Any) -> Problem:
            at = (weights, state, data)

            def region() -> Region:
                return ball.around(weights, mask, rho)

            def start() -> Weights:
                where = region()
                points = evaluation.for_each(lambda batch, draw: starting_point(maximizer, where, batch, draw))
                return points(block["batch"], block["draw"])

            return Problem(
                lambda delta: evaluation.values(*at, delta, block),
                lambda delta: evaluation.values_and_gradients(*at, delta, block),
                region,
                start,
            )

        record = _record(evaluation) if details else {"losses": lambda state, values, region: values.losses}
        return ascend(maximizer, pose, record, evaluation.scan, evaluation.stepwise, keep_best, watch=details)

    # The radius is an argument, so that another one does not compile anew.
    key = ("climb", _hashable(maximizer), ball.norm, ball.scaling, ball.eta, details, keep_best)
    return grid.compile(make, None if key[1] is None else key, compiles_itself=True)


def _record(evaluation: Evaluation) -> Mapping[str, Callable[..., Any]]:
    """Returns what is recorded along a watched path, which costs a few passes over the perturbations."""

    def moved(state: AscentState, values: Values, region: Region) -> Array:
        found = evaluation.for_each(lambda g, delta: tree.norm_l1(tree.multiply(g, delta)))
        return ops.cast(found(state["watched"]["gradient"], state["point"]), values.losses.dtype)

    def radii(state: AscentState, values: Values, region: Region) -> Array:
        return ops.cast(evaluation.for_each(region.radius)(state["point"]), values.losses.dtype)

    return {
        "losses": lambda state, values, region: values.losses,
        "errors": lambda state, values, region: values.errors,
        "radii": radii,
        "moved": moved,
        "full": lambda state, values, region: state["watched"]["full"],
        "ahead": lambda state, values, region: state["watched"]["ahead"],
    }


def _hashable(maximizer: Maximizer) -> Hashable | None:
    try:
        hash(maximizer)
    except TypeError:
        return None
    return cast(Hashable, maximizer)
