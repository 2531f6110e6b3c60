"""The loss at points of a line or a plane through the weights, given by coordinates along axes."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np

from keras_sharpness.arrays import copies, tree
from keras_sharpness.execution.evaluation import Evaluation
from keras_sharpness.execution.grid import Grid
from keras_sharpness.measures.mean_loss import MeanLoss
from keras_sharpness.measures.sample import Sample
from keras_sharpness.measures.streaming import whole_pieces
from keras_sharpness.typing import Array, Block, Data, State, Weights


class Axis(NamedTuple):
    """An axis through the weights.

    Attributes:
        vector: Its unit, one array for each trainable weight.
        label: What it is, for figures.
        state: How far non-trainable variables go along with it, None for those that stay; None: all stay.
    """

    vector: Weights
    label: str
    state: State | None = None


def mean_losses(sample: Sample, axes: Sequence[Axis], coordinates: np.ndarray) -> np.ndarray:
    """Returns the loss of all examples at points.

    Args:
        sample: Model, loss and examples.
        axes: The axes.
        coordinates: The points, shape (num_points, len(axes)).

    Returns:
        The losses, shape (num_points,).
    """
    sample, draws = sample.whole(), _draws(axes, coordinates)
    if not sample.streams:
        return _losses(sample, sample.grid(draws), axes, coordinates)[0]
    found = (_losses(sample, grid, axes, coordinates)[0] for grid in whole_pieces(sample, draws))
    return np.sum([share * losses for share, losses in zip(MeanLoss(sample).shares, found, strict=True)], axis=0)


def batch_losses(sample: Sample, axes: Sequence[Axis], coordinates: np.ndarray) -> np.ndarray:
    """Returns the loss of each batch at points.

    Args:
        sample: Model, loss and batches.
        axes: The axes.
        coordinates: The points, shape (num_points, len(axes)).

    Returns:
        The losses, shape (num_batches, num_points).
    """
    return _losses(sample, sample.grid(_draws(axes, coordinates)), axes, coordinates)


def _draws(axes: Sequence[Axis], coordinates: np.ndarray) -> int:
    """Returns how many points are computed in one call: all, or one where each has a state of its own."""
    return 1 if any(axis.state for axis in axes) else len(coordinates)


def _losses(sample: Sample, grid: Grid, axes: Sequence[Axis], coordinates: np.ndarray) -> np.ndarray:
    def make(evaluation: Evaluation) -> Callable[..., Array]:
        def losses(
            weights: Weights, state: State, data: Data, block: Block, coordinates: Array, vectors: list[Weights]
        ) -> Array:
            own = keras.ops.take(coordinates, block["draw"], axis=0)
            delta = evaluation.zeros(weights)
            for k, vector in enumerate(vectors):
                delta = tree.add(delta, [copies.along(own[:, k], v[None]) * v for v in vector])
            return evaluation.values(weights, state, data, delta, block).losses

        return losses

    (weights, state), vectors = sample.values(), [axis.vector for axis in axes]
    run = grid.compile(make, ("landscape", len(vectors)))
    found = []
    for points in np.split(coordinates, len(coordinates) // grid.draws):
        at = state if len(points) > 1 else _state_at(state, axes, points[0])
        found.append(run(weights, at, keras.ops.convert_to_tensor(points, "float32"), vectors))
    return np.concatenate(found, axis=1)


def _state_at(state: State, axes: Sequence[Axis], point: np.ndarray) -> State:
    """Returns the non-trainable variables at a point."""
    for axis, place in zip(axes, point, strict=True):
        moves = axis.state or [None] * len(state)
        state = [s if move is None else s + float(place) * move for s, move in zip(state, moves, strict=True)]
    return state
