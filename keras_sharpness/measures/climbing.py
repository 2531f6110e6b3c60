"""Ascents on the batches of a grid, compiled once for any number of models and radii."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, NamedTuple, cast

import numpy as np
from keras import ops

from keras_sharpness.arrays import tree
from keras_sharpness.execution.evaluation import Evaluation
from keras_sharpness.execution.grid import Grid, GridFunction
from keras_sharpness.maximizers import Climb, Maximizer, Problem, Recorder, Seen, ascend, starting_point
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
        the start; `slopes` ||c g||_q of the gradient at each point, q dual to the norm of the ball; `gained`, the sum
        of g delta there. The last two are NaN at the last point. Each has the shape (num_batches, num_starts,
        num_steps + 1).
    """
    run = _compile(grid, ball, maximizer, details=True, keep_best=keep_best)

    def climb(weights: Weights, state: State, mask: Weights | None = None, rho: float | None = None) -> Climb:
        return run(weights, state, mask, np.float32(ball.rho if rho is None else rho))

    return climb


class LossPath(NamedTuple):
    """What the ascents of one model found.

    Attributes:
        losses: The path of the best start on each batch, as `WorstCaseSharpness.losses` has it.
        gradient_norms: ||c * gradient of L_S(w)||_q of each batch S, shape (num_batches,).
    """

    losses: np.ndarray
    gradient_norms: np.ndarray


class LossPaths:
    """Losses along the ascents of many models."""

    def __init__(self, grid: Grid, ball: Ball, maximizer: Maximizer) -> None:
        """Compiles the ascents; see `climbs`."""
        self._run, self._rho = _compile(grid, ball, maximizer, details=False, keep_best=False), ball.rho

    def __call__(self, models: Iterable[tuple[Weights, State]], rho: float | None = None) -> Iterator[LossPath]:
        """Returns an iterator of what was found from each model.

        Args:
            models: Weights and state of one model after another.
            rho: Radius; None: the ball's.
        """
        radius = np.float32(self._rho if rho is None else rho)
        found = self._run.over((weights, state, None, radius) for weights, state in models)
        return (LossPath(best_paths(climb.path["losses"]), climb.path["slopes"][:, 0, 0]) for climb in found)

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

        record = _record(evaluation)
        if not details:
            record = {name: record[name] for name in ("losses", "slopes")}
        return ascend(maximizer, pose, record, evaluation.scan, evaluation.stepwise, keep_best, watch=details)

    # The radius is an argument, so that another one does not compile anew.
    key = ("climb", _hashable(maximizer), ball.norm, ball.scaling, ball.eta, details, keep_best)
    return grid.compile(make, None if key[1] is None else key, compiles_itself=True)


def _record(evaluation: Evaluation) -> dict[str, Recorder]:
    """Returns what is recorded along a path, which costs a few passes over the perturbations."""

    def along(fn: Callable[..., Array], seen: Seen, *of_each: Weights | None) -> Array:
        losses = seen.values.losses
        known = all(arrays is not None for arrays in of_each)
        return ops.cast(evaluation.for_each(fn)(*of_each), losses.dtype) if known else ops.full_like(losses, np.nan)

    def moved(gradient: Weights, delta: Weights) -> Array:
        return tree.norm_l1(g * d for g, d in zip(gradient, delta, strict=True))

    return {
        "losses": lambda seen: seen.values.losses,
        "errors": lambda seen: seen.values.errors,
        "radii": lambda seen: along(seen.region.radius, seen, seen.point),
        "moved": lambda seen: along(moved, seen, seen.first, seen.point),
        "slopes": lambda seen: along(seen.region.slope, seen, seen.gradient),
        "gained": lambda seen: along(tree.vdot, seen, seen.gradient, seen.point),
    }


def _hashable(maximizer: Maximizer) -> Hashable | None:
    try:
        hash(maximizer)
    except TypeError:
        return None
    return cast(Hashable, maximizer)
