"""The loss along a line and over a plane through the weights (Li et al. 2018, arXiv:1712.09913)."""

import dataclasses
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from keras_sharpness.arrays import noise, tree
from keras_sharpness.errors import require, require_options, require_seed
from keras_sharpness.maximizers import Maximizer, restarts_of
from keras_sharpness.measures import plots
from keras_sharpness.measures.grid import STEEPEST_ASCENT
from keras_sharpness.measures.sample import mask, sample_cells
from keras_sharpness.measures.worst_case import climbs
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.objective.objective import values
from keras_sharpness.objective.selection import Selection
from keras_sharpness.perturbations import Ball
from keras_sharpness.perturbations.scaling import per_filter
from keras_sharpness.typing import Array, Cell, Data, State, Weights

DIRECTIONS = ("random", "ascent")
OPTIONS = (
    *("examples", "batch_size", "select", "training", "normalize_logits", "plan", "distribution"),
    *("rho", "norm", "scaling", "maximizer"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    """The loss along a line.

    Attributes:
        positions: Multiples of the direction, shape (num_points,); the weights are at zero.
        losses: Loss at each, shape (num_points,).
        label: What the direction is.
    """

    positions: np.ndarray
    losses: np.ndarray
    label: str

    def plot(self) -> Figure:
        """Returns a figure of the loss."""
        return plots.line(self.positions, self.losses, self.label)


@dataclasses.dataclass(frozen=True, eq=False)
class Plane:
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

    def plot(self) -> Figure:
        """Returns a figure of the loss in contours."""
        return plots.plane(self.first, self.second, self.losses, self.labels)


def line(
    model: keras.Model,
    x: Any,
    y: Any = None,
    loss: LossLike = None,
    direction: str = "random",
    span: float = 1.0,
    num_points: int = 51,
    seed: int = 0,
    **options: Any,
) -> Line:
    """Takes the loss along a line through the weights.

    Args:
        model: Built Keras model.
        x: Inputs; see `worst_case_sharpness`.
        y: Targets.
        loss: The loss; None takes the compiled one.
        direction: "random": normal, each filter scaled to the norm of the weights' own (arXiv:1712.09913, section 4);
            "ascent": to the highest point that an ascent finds, scaled so that 1 is that point.
        span: How far to go on both sides, in units of the direction.
        num_points: Points, an odd number to meet the weights themselves.
        seed: Seed of the direction.
        **options: `examples`, `batch_size`, `select`, `training`, `normalize_logits`, `plan`,
            `distribution` as of
            `worst_case_sharpness`; for the ascent also `rho`, `norm`, `scaling`, `maximizer`.

    Returns:
        The line.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    positions = _positions(span, num_points)
    label, vector, evaluate = _prepare(model, x, y, loss, (direction,), seed, options, num_points)
    return Line(positions, evaluate(positions[:, None], vector), label[0])


def plane(
    model: keras.Model,
    x: Any,
    y: Any = None,
    loss: LossLike = None,
    directions: tuple[str, str] = ("random", "random"),
    span: float = 1.0,
    num_points: int = 21,
    seed: int = 0,
    **options: Any,
) -> Plane:
    """Takes the loss over a plane through the weights.

    Args:
        model: Built Keras model.
        x: Inputs; see `worst_case_sharpness`.
        y: Targets.
        loss: The loss; None takes the compiled one.
        directions: Two of "random" and "ascent"; see `line`.
        span: How far to go on all sides, in units of the directions.
        num_points: Points along each direction.
        seed: Seed of the directions.
        **options: As of `line`.

    Returns:
        The plane.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    positions = _positions(span, num_points)
    independent = len(directions) == 2 and list(directions).count("ascent") < 2
    require(independent, "`directions` must be two, one of them 'ascent' at most", directions=directions)
    labels, vectors, evaluate = _prepare(model, x, y, loss, tuple(directions), seed, options, num_points**2)
    grid = np.stack(np.meshgrid(positions, positions, indexing="ij"), axis=-1).reshape(-1, 2)
    losses = evaluate(grid, vectors).reshape(num_points, num_points)
    return Plane(positions, positions, losses, (labels[0], labels[1]))


def _prepare(
    model: keras.Model,
    x: Any,
    y: Any,
    loss: LossLike,
    directions: tuple[str, ...],
    seed: int,
    options: dict[str, Any],
    num_points: int,
) -> tuple[tuple[str, ...], list[Weights], Any]:
    """Returns labels, directions, and the function from coordinates (num_points, n) to losses."""
    for direction in directions:
        require(direction in DIRECTIONS, f"`direction` must be one of {', '.join(DIRECTIONS)}", direction=direction)
    require_options(options, OPTIONS)
    require_seed(seed)
    selection: Selection = options.pop("select", "all")
    ascent = {name: options.pop(name) for name in ("rho", "norm", "scaling", "maximizer") if name in options}
    Ball(**{name: value for name, value in ascent.items() if name != "maximizer"})
    moves = mask(model, selection)
    vectors = []
    for k, direction in enumerate(directions):
        if direction == "random":
            vectors.append(_random(model, moves, seed, k))
        else:
            vectors.append(_ascent(model, x, y, loss, moves, options, **ascent))
    cells = sample_cells(model, x, y, loss, m=None, draws=num_points, **options)

    def block(weights: Weights, state: State, data: Data, cell: Cell, grid: Array, vectors: list[Weights]) -> Array:
        coordinates = keras.ops.take(grid, cell["draw"], axis=0)
        delta = cells.zeros(weights)
        for k, vector in enumerate(vectors):
            delta = [
                d + keras.ops.reshape(coordinates[:, k], (-1,) + (1,) * len(v.shape)) * v
                for d, v in zip(delta, vector, strict=True)
            ]
        return cells.values(weights, state, data, delta, cell).losses

    run = cells.compile(block)

    def evaluate(grid: np.ndarray, vectors: list[Weights]) -> np.ndarray:
        return run(*values(model), keras.ops.convert_to_tensor(grid, "float32"), vectors)[0]

    return directions, vectors, evaluate


def _random(model: keras.Model, moves: Weights | None, seed: int, k: int) -> Weights:
    """Returns a normal direction whose filters have the norms of the weights' own."""
    weights = values(model)[0]
    direction = [noise.normal(w.shape, seed, k, i) for i, w in enumerate(weights)]
    direction = tree.multiply(tree.divide(direction, per_filter(direction)), per_filter(weights))
    return direction if moves is None else tree.multiply(direction, moves)


def _ascent(
    model: keras.Model,
    x: Any,
    y: Any,
    loss: LossLike,
    moves: Weights | None,
    options: dict[str, Any],
    rho: float = 1e-2,
    norm: str = "linf",
    scaling: str = "adaptive",
    maximizer: Maximizer = STEEPEST_ASCENT,
) -> Weights:
    """Returns the highest perturbation that an ascent finds on all examples."""
    cells = sample_cells(model, x, y, loss, m=None, draws=restarts_of(maximizer), **options)
    climb = climbs(cells, Ball(rho=rho, norm=norm, scaling=scaling), maximizer, keep_best=True)
    met = climb(*values(model), moves)
    highest = met.path[0, :, :, 0].max(axis=1).argmax()
    return [keras.ops.convert_to_tensor(b[0, highest]) for b in met.best]


def _positions(span: float, num_points: int) -> np.ndarray:
    require(span > 0, "`span` must be positive", span=span)
    require(num_points >= 2, "`num_points` must be at least 2", num_points=num_points)
    return np.linspace(-span, span, num_points)
