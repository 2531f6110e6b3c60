"""The loss along a line and over a plane through the weights (Li et al. 2018, arXiv:1712.09913): `ks.landscape`."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack, cast, get_args

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.errors import require, require_count
from keras_sharpness.maximizers import Maximizer, check_maximizer
from keras_sharpness.measures.along import Axis, mean_losses
from keras_sharpness.measures.barrier import Barrier as Barrier
from keras_sharpness.measures.barrier import barrier as barrier
from keras_sharpness.measures.directions import (
    STEEPEST_ASCENT,
    AscentDirection,
    Direction,
    DirectionLike,
    GivenDirection,
    RandomDirection,
)
from keras_sharpness.measures.found_directions import hessian_directions as hessian_directions
from keras_sharpness.measures.found_directions import principal_directions as principal_directions
from keras_sharpness.measures.other_models import axis_to, orthonormal
from keras_sharpness.measures.placed import Path, Placed, by_name, place
from keras_sharpness.measures.readable import Readable, interval
from keras_sharpness.measures.sample import DataArguments, Sample
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.perturbations import Ball
from keras_sharpness.typing import LandscapeDirectionName, NormName, ScalingName

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIRECTIONS = get_args(LandscapeDirectionName)
Span: TypeAlias = float | tuple[float, float]
"""How far a line goes on both sides, or from where to where."""

__all__ = [
    "Barrier",
    "Line",
    "Placed",
    "Plane",
    "barrier",
    "hessian_directions",
    "line",
    "plane",
    "principal_directions",
]


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
        shown: Where the paths and models lie that are drawn, by name.
    """

    first: np.ndarray
    second: np.ndarray
    losses: np.ndarray
    labels: tuple[str, str]
    shown: dict[str, Placed] = dataclasses.field(default_factory=dict)

    def summary(self) -> dict[str, str]:
        """Returns what is shown of it."""
        errors = ", ".join(f"{name} {placed.error:.1%}" for name, placed in self.shown.items())
        shown = {"loss": interval(self.losses), "directions": ", ".join(self.labels), "points": str(self.losses.size)}
        return shown | ({"projection_error": errors} if errors else {})

    def columns(self) -> dict[str, ArrayLike]:
        """Returns the columns of `to_frame`, which has a row for each point."""
        first, second = np.meshgrid(self.first, self.second, indexing="ij")
        return {"first": first.ravel(), "second": second.ravel(), "loss": self.losses.ravel()}

    def plot(self) -> "Figure":
        """Returns a figure of the loss in contours, with the paths and models."""
        from keras_sharpness.measures import plots

        places = {name + placed.remark: placed.coordinates for name, placed in self.shown.items()}
        return plots.plane(self.first, self.second, self.losses, self.labels, places)


def line(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    direction: DirectionLike = "random",
    span: Span = 1.0,
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
            "ascent": to the highest point that an ascent finds, scaled so that 1 is that point; another model of the
            same architecture, which is then at 1; one of `principal_directions` or `hessian_directions`; or an array
            for each trainable weight.
        span: How far to go on both sides, or from where to where, in units of the direction.
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
    _check_points(num_points)
    positions = _positions(span, num_points)
    ascent = AscentDirection(ball=Ball(rho=rho, norm=norm, scaling=scaling), maximizer=check_maximizer(maximizer))
    chosen = _direction(direction, RandomDirection(seed=seed), ascent)
    sample = Sample.of(model, x, y, loss, data, DataArguments, m=None)
    axis = _axis(chosen, sample)
    return Line(positions, mean_losses(sample, [axis], positions[:, None]), axis.label)


def plane(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    directions: Sequence[DirectionLike] = ("random", "random"),
    span: Span | tuple[Span, Span] | None = None,
    num_points: int = 21,
    seed: int = 0,
    rho: float = 1e-2,
    norm: NormName = "linf",
    scaling: ScalingName = "adaptive",
    maximizer: Maximizer = STEEPEST_ASCENT,
    show: Path | Mapping[str, Path] | None = None,
    **data: Unpack[DataArguments],
) -> Plane:
    """Takes the loss over a plane through the weights.

    The plane through three models (arXiv:1802.10026, section 3) is that of two other models as directions: these are
    made orthogonal and of length one, so that coordinates are distances between weights.

    Args:
        model: Built Keras model, or a `Sample` in place of model and data.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        directions: Two directions; see `line`. Models are shown unless `show` is given.
        span: How far to go on all sides, in units of the directions; from where to where; or one of these for each
            direction. None: 1, or all that is shown and a margin.
        num_points: Points along each direction.
        seed: Seed of random directions.
        rho: Radius of the ball of an ascent.
        norm: Norm of the ball of an ascent.
        scaling: Scale of the ball of an ascent.
        maximizer: How to climb.
        show: What to draw on it, projected: a `Trajectory`, a model or a list of checkpoints; or several by name.
        **data: `examples`, `training`, `select`, `normalize_logits`, `regularization`, `sample_weight`, `class_weight`,
            `batch_size`, `plan`, `distribution`, `progress`; see `Sample`.

    Returns:
        The plane.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    _check_points(num_points)
    independent = len(directions) == 2 and list(map(str, directions)).count("ascent") < 2
    require(independent, "`directions` must be two, at most one of them 'ascent'", directions=directions)
    ascent = AscentDirection(ball=Ball(rho=rho, norm=norm, scaling=scaling), maximizer=check_maximizer(maximizer))
    chosen = [_direction(d, RandomDirection(seed=seed, number=k), ascent) for k, d in enumerate(directions)]
    sample = Sample.of(model, x, y, loss, data, DataArguments, m=None)
    axes, paths = [_axis(direction, sample) for direction in chosen], dict(by_name(show))
    if all(isinstance(direction, keras.Model) for direction in chosen):
        axes = orthonormal(axes)
        models = [sample.model, *chosen]
        paths = paths or {f"{model.name} ({k})": model for k, model in enumerate(models, 1)}
    shown = {name: place(path, sample.values()[0], axes) for name, path in paths.items()}
    first, second = (_positions(each, num_points) for each in _spans(span, shown.values()))
    grid = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1).reshape(-1, 2)
    losses = mean_losses(sample, axes, grid).reshape(num_points, num_points)
    return Plane(first, second, losses, (axes[0].label, axes[1].label), shown)


def _direction(given: DirectionLike, random: RandomDirection, ascent: AscentDirection) -> Direction | keras.Model:
    if isinstance(given, str):
        require(given in DIRECTIONS, f"`direction` must be one of {', '.join(DIRECTIONS)}", direction=given)
        return random if given == "random" else ascent
    known = hasattr(given, "vector") or isinstance(given, keras.Model)
    return cast(Direction | keras.Model, given) if known else GivenDirection(arrays=cast(Sequence[ArrayLike], given))


def _axis(direction: Direction | keras.Model, sample: Sample) -> Axis:
    if isinstance(direction, keras.Model):
        return axis_to(direction, sample)
    return Axis(direction.vector(sample), direction.label)


def _positions(span: Span, num_points: int) -> np.ndarray:
    low, high = span if isinstance(span, Sequence) else (-span, span)
    require(bool(low < high), "`span` must be positive, or two numbers of which the second is larger", span=span)
    return np.linspace(low, high, num_points)


def _check_points(num_points: int) -> None:
    require_count("num_points", num_points)
    require(num_points >= 2, "`num_points` must be at least 2", num_points=num_points)


def _spans(span: Span | tuple[Span, Span] | None, shown: Collection[Placed]) -> tuple[Span, Span]:
    """Returns from where to where a plane goes along each direction."""
    if span is None and shown:
        # The weights themselves too, and a margin of a fifth.
        points = np.concatenate([[[0.0, 0.0]], *(placed.coordinates for placed in shown)])
        low, high = points.min(axis=0), points.max(axis=0)
        margin = 0.2 * np.where(high > low, high - low, (high - low).max() or 1)
        first, second = zip((low - margin).tolist(), (high + margin).tolist(), strict=True)
        return first, second
    if isinstance(span, Sequence) and any(isinstance(side, Sequence) for side in span):
        require(len(span) == 2, "`span` must be one for each direction", span=span)
        return span
    each = 1.0 if span is None else cast(Span, span)
    return each, each
