"""The loss along a line and over a plane through the weights (Li et al. 2018, arXiv:1712.09913)."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Unpack, cast, get_args

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.arrays import copies
from keras_sharpness.errors import require, require_count
from keras_sharpness.execution.evaluation import Evaluation
from keras_sharpness.execution.grid import Grid
from keras_sharpness.maximizers import Maximizer, check_maximizer
from keras_sharpness.measures.directions import (
    STEEPEST_ASCENT,
    AscentDirection,
    Direction,
    DirectionLike,
    GivenDirection,
    RandomDirection,
)
from keras_sharpness.measures.mean_loss import MeanLoss
from keras_sharpness.measures.readable import Readable, interval
from keras_sharpness.measures.sample import DataArguments, Sample
from keras_sharpness.measures.streaming import whole_pieces
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.perturbations import Ball
from keras_sharpness.typing import Array, Block, Data, LandscapeDirectionName, NormName, ScalingName, State, Weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIRECTIONS = get_args(LandscapeDirectionName)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Line(Readable):
    """The loss along a line.

    Attributes:
        positions: Multiples of the direction, shape (num_points,); the weights are at zero.
        losses: Loss at each, shape (num_points,).
        label: What the direction is.
    """

    positions: np.ndarray
    losses: np.ndarray
    label: str

    def summary(self) -> dict[str, str]:
        """Returns what is shown of it."""
        return {"loss": interval(self.losses), "direction": self.label, "points": str(self.losses.size)}

    def columns(self) -> dict[str, ArrayLike]:
        """Returns the columns of `to_frame`, which has a row for each point."""
        return {"position": self.positions, "loss": self.losses}

    def plot(self) -> "Figure":
        """Returns a figure of the loss."""
        from keras_sharpness.measures import plots

        return plots.line(self.positions, self.losses, self.label)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Plane(Readable):
    """The loss over a plane.

    Attributes:
        first: Multiples of the first direction, shape (num_points,).
        second: Multiples of the second direction, shape (num_points,).
        losses: Loss at each pair, shape (num_points, num_points), the first direction along the first axis.
        labels: What the two directions are.
    """

    first: np.ndarray
    second: np.ndarray
    losses: np.ndarray
    labels: tuple[str, str]

    def summary(self) -> dict[str, str]:
        """Returns what is shown of it."""
        return {"loss": interval(self.losses), "directions": ", ".join(self.labels), "points": str(self.losses.size)}

    def columns(self) -> dict[str, ArrayLike]:
        """Returns the columns of `to_frame`, which has a row for each point."""
        first, second = np.meshgrid(self.first, self.second, indexing="ij")
        return {"first": first.ravel(), "second": second.ravel(), "loss": self.losses.ravel()}

    def plot(self) -> "Figure":
        """Returns a figure of the loss in contours."""
        from keras_sharpness.measures import plots

        return plots.plane(self.first, self.second, self.losses, self.labels)


def line(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    direction: DirectionLike = "random",
    span: float = 1.0,
    num_points: int = 51,
    seed: int = 0,
    rho: float = 1e-2,
    norm: NormName = "linf",
    scaling: ScalingName = "adaptive",
    maximizer: Maximizer = STEEPEST_ASCENT,
    **data: Unpack[DataArguments],
) -> Line:
    """Takes the loss along a line through the weights.

    Args:
        model: Built Keras model, or a `Sample` in place of model and data.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        direction: "random": normal, each filter scaled to the norm of the weights' own (arXiv:1712.09913, section 4);
            "ascent": to the highest point that an ascent finds, scaled so that 1 is that point; or an array for each
            trainable weight, such as an eigenvector or the way to another model.
        span: How far to go on both sides, in units of the direction.
        num_points: Points; an odd number includes the weights themselves.
        seed: Seed of a random direction.
        rho: Radius of the ball of an ascent.
        norm: Norm of the ball of an ascent.
        scaling: Scale of the ball of an ascent.
        maximizer: How to climb.
        **data: `examples`, `training`, `select`, `normalize_logits`, `regularization`, `sample_weight`, `class_weight`,
            `batch_size`, `plan`, `distribution`, `progress`; see `Sample`.

    Returns:
        The line.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    positions = _positions(span, num_points)
    ascent = AscentDirection(ball=Ball(rho=rho, norm=norm, scaling=scaling), maximizer=check_maximizer(maximizer))
    chosen = _direction(direction, RandomDirection(seed=seed), ascent)
    sample = Sample.of(model, x, y, loss, data, DataArguments, m=None).whole()
    return Line(positions, _losses(sample, [chosen], positions[:, None]), chosen.label)


def plane(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    directions: Sequence[DirectionLike] = ("random", "random"),
    span: float = 1.0,
    num_points: int = 21,
    seed: int = 0,
    rho: float = 1e-2,
    norm: NormName = "linf",
    scaling: ScalingName = "adaptive",
    maximizer: Maximizer = STEEPEST_ASCENT,
    **data: Unpack[DataArguments],
) -> Plane:
    """Takes the loss over a plane through the weights.

    Args:
        model: Built Keras model, or a `Sample` in place of model and data.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        directions: Two directions; see `line`.
        span: How far to go on all sides, in units of the directions.
        num_points: Points along each direction.
        seed: Seed of random directions.
        rho: Radius of the ball of an ascent.
        norm: Norm of the ball of an ascent.
        scaling: Scale of the ball of an ascent.
        maximizer: How to climb.
        **data: `examples`, `training`, `select`, `normalize_logits`, `regularization`, `sample_weight`, `class_weight`,
            `batch_size`, `plan`, `distribution`, `progress`; see `Sample`.

    Returns:
        The plane.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    positions = _positions(span, num_points)
    independent = len(directions) == 2 and list(map(str, directions)).count("ascent") < 2
    require(independent, "`directions` must be two, at most one of them 'ascent'", directions=directions)
    ascent = AscentDirection(ball=Ball(rho=rho, norm=norm, scaling=scaling), maximizer=check_maximizer(maximizer))
    chosen = [_direction(d, RandomDirection(seed=seed, number=k), ascent) for k, d in enumerate(directions)]
    sample = Sample.of(model, x, y, loss, data, DataArguments, m=None).whole()
    grid = np.stack(np.meshgrid(positions, positions, indexing="ij"), axis=-1).reshape(-1, 2)
    losses = _losses(sample, chosen, grid).reshape(num_points, num_points)
    return Plane(positions, positions, losses, (chosen[0].label, chosen[1].label))


def _losses(sample: Sample, directions: list[Direction], coordinates: np.ndarray) -> np.ndarray:
    """Returns the losses at coordinates of shape (num_points, len(directions))."""

    def make(evaluation: Evaluation) -> Callable[..., Array]:
        def losses(
            weights: Weights, state: State, data: Data, block: Block, coordinates: Array, vectors: list[Weights]
        ) -> Array:
            own = keras.ops.take(coordinates, block["draw"], axis=0)
            delta = evaluation.zeros(weights)
            for k, vector in enumerate(vectors):
                moves = [copies.along(own[:, k], v[None]) * v for v in vector]
                delta = [d + move for d, move in zip(delta, moves, strict=True)]
            return evaluation.values(weights, state, data, delta, block).losses

        return losses

    vectors = [direction.vector(sample) for direction in directions]
    points, key = keras.ops.convert_to_tensor(coordinates, "float32"), ("landscape", len(vectors))

    def run(grid: Grid) -> np.ndarray:
        return cast(np.ndarray, grid.compile(make, key)(*sample.values(), points, vectors)[0])

    if not sample.streams:
        return run(sample.grid(len(coordinates)))
    found = (run(grid) for grid in whole_pieces(sample, len(coordinates)))
    return np.sum([share * losses for share, losses in zip(MeanLoss(sample).shares, found, strict=True)], axis=0)


def _direction(given: DirectionLike, random: RandomDirection, ascent: AscentDirection) -> Direction:
    if isinstance(given, str):
        require(given in DIRECTIONS, f"`direction` must be one of {', '.join(DIRECTIONS)}", direction=given)
        return random if given == "random" else ascent
    return cast(Direction, given) if hasattr(given, "vector") else GivenDirection(arrays=given)


def _positions(span: float, num_points: int) -> np.ndarray:
    require(span > 0, "`span` must be positive", span=span)
    require_count("num_points", num_points)
    require(num_points >= 2, "`num_points` must be at least 2", num_points=num_points)
    return np.linspace(-span, span, num_points)
