"""Ascents on the batches of a grid, compiled once for any number of models and radii."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, cast

import numpy as np
from keras import ops

from keras_sharpness.execution.evaluation import Evaluation
from keras_sharpness.execution.grid import Grid, GridFunction
from keras_sharpness.maximizers import Climb, Maximizer, Problem, ascend, starting_point
from keras_sharpness.perturbations import Ball
from keras_sharpness.typing import Block, Data, State, Weights

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
        errors and radii ||delta / c||, each of shape (num_batches, num_starts, num_steps + 1).
    """
    run = _compile(grid, ball, maximizer, details=True, keep_best=keep_best)

    def climb(weights: Weights, state: State, mask: Weights | None = None, rho: float | None = None) -> Climb:
        return run(weights, state, mask, np.float32(ball.rho if rho is None else rho))

    return climb


def loss_paths(grid: Grid, ball: Ball, maximizer: Maximizer) -> Callable[..., Iterator[np.ndarray]]:
    """Returns a compiled function from models to their losses along the paths, shape (num_batches, num_steps + 1).

    It takes (weights, state) of one model after another and, if not the ball's, a radius. It yields the path of the
    best start on each batch, as `WorstCaseSharpness.losses` has them.
    """
    run = _compile(grid, ball, maximizer, details=False, keep_best=False)

    def paths(models: Iterable[tuple[Weights, State]], rho: float | None = None) -> Iterator[np.ndarray]:
        radius = np.float32(ball.rho if rho is None else rho)
        found = run.over((weights, state, None, radius) for weights, state in models)
        return (best_paths(climb.path["losses"]) for climb in found)

    return paths


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
            region, at = ball.around(weights, mask, rho), (weights, state, data)
            start = evaluation.for_each(lambda batch, draw: starting_point(maximizer, region, batch, draw))
            return Problem(
                lambda delta: evaluation.values(*at, delta, block),
                lambda delta: evaluation.values_and_gradients(*at, delta, block),
                region,
                start(block["batch"], block["draw"]),
            )

        record = _record(evaluation, details)
        return ascend(maximizer, pose, record, evaluation.scan, evaluation.stepwise, keep_best)

    # The radius is an argument, so that another one does not compile anew.
    key = ("climb", _hashable(maximizer), ball.norm, ball.scaling, ball.eta, details, keep_best)
    return grid.compile(make, None if key[1] is None else key, compiles_itself=True)


def _record(evaluation: Evaluation, details: bool) -> Mapping[str, Callable[..., Any]]:
    """Returns what is recorded along a path; details cost a few passes over the perturbations."""
    record: dict[str, Callable[..., Any]] = {"losses": lambda delta, values, region: values.losses}
    if details:
        record["errors"] = lambda delta, values, region: values.errors
        record["radii"] = lambda delta, values, region: ops.cast(
            evaluation.for_each(region.radius)(delta), values.losses.dtype
        )
    return record


def _hashable(maximizer: Maximizer) -> Hashable | None:
    try:
        hash(maximizer)
    except TypeError:
        return None
    return cast(Hashable, maximizer)
