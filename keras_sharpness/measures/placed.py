"""Where weights lie on a line or a plane: the path of a training, or other models."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_sharpness.errors import require
from keras_sharpness.measures.along import Axis
from keras_sharpness.measures.readable import Readable
from keras_sharpness.objective.objective import values
from keras_sharpness.typing import Weights


class Steps(Protocol):
    """Checkpoints along a training, such as a `Trajectory`.

    Attributes:
        steps: Optimizer steps before each.
        checkpoints: The trainable weights at each.
    """

    @property
    def steps(self) -> Sequence[int]:
        """Optimizer steps before each checkpoint."""
        ...

    @property
    def checkpoints(self) -> Sequence[Sequence[np.ndarray]]:
        """The trainable weights at each of them."""
        ...


Path: TypeAlias = Steps | keras.Model | Sequence[Sequence[ArrayLike]]
"""A trajectory, a model, which is a path of one point, or a list of checkpoints, a list of arrays each."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Placed(Readable):
    """The projection of weights onto a plane through other weights.

    Attributes:
        coordinates: Multiples of the two directions, shape (n, 2).
        distances: Euclidean distance of each from the weights that the plane goes through, shape (n,).
        off_plane: Euclidean distance of each from the plane, shape (n,).
        steps: Optimizer steps before each, shape (n,); their number where no steps are known.
    """

    coordinates: np.ndarray
    distances: np.ndarray
    off_plane: np.ndarray
    steps: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """Projection error of each: its distance from the plane, relative to that from the plane's weights."""
        return self.off_plane / np.maximum(self.distances, np.finfo(float).tiny)

    @property
    def error(self) -> float:
        """Projection error of all: the root of the sum of squares of `off_plane`, relative to that of `distances`."""
        return float(np.linalg.norm(self.off_plane) / max(np.linalg.norm(self.distances), np.finfo(float).tiny))

    @property
    def remark(self) -> str:
        """What a legend says of the projection error; nothing of a single point on the plane."""
        return "" if len(self.steps) == 1 and self.error < 1e-3 else f" ({self.error:.0%} off the plane)"

    def summary(self) -> dict[str, str]:
        """Returns what is shown of it."""
        return {"points": str(len(self.steps)), "projection_error": f"{self.error:.1%}"}

    def columns(self) -> dict[str, ArrayLike]:
        """Returns the columns of `to_frame`, which has a row for each point."""
        first, second = self.coordinates.T
        places = {"step": self.steps, "first": first, "second": second}
        return places | {"distance": self.distances, "off_plane": self.off_plane, "error": self.errors}


def place(path: Path, weights: Weights, axes: Sequence[Axis]) -> Placed:
    """Projects weights onto the plane through others that two axes span.

    Args:
        path: The weights.
        weights: Those that the plane goes through.
        axes: The axes.

    Returns:
        The projection.

    Raises:
        InputError: If the weights have other shapes, or the axes are parallel.
    """
    origin, rows = [ops.convert_to_numpy(w) for w in weights], checkpoints_of(path)
    shapes = [w.shape for w in origin]
    others = [[w.shape for w in row] for row in rows]
    require(all(o == shapes for o in others), "`show` must hold weights of the model's shapes", shapes=others[0])
    basis = np.stack([_flat([ops.convert_to_numpy(v) for v in axis.vector]) for axis in axes], axis=1)
    inverse = np.linalg.pinv(basis)
    moves = (_flat([w - o for w, o in zip(row, origin, strict=True)]) for row in rows)
    found = [(inverse @ move, np.linalg.norm(move), np.linalg.norm(move - basis @ (inverse @ move))) for move in moves]
    coordinates, distances, off_plane = map(np.array, zip(*found, strict=True))
    return Placed(coordinates, distances, off_plane, np.array(getattr(path, "steps", range(len(rows)))))


def by_name(show: Path | Mapping[str, Path] | None) -> Mapping[str, Path]:
    """Returns paths by name, as users give them: several, a single one, or none."""
    if show is None:
        return {}
    return show if isinstance(show, Mapping) else {getattr(show, "name", "path"): show}


def checkpoints_of(path: Path) -> list[list[np.ndarray]]:
    """Returns the checkpoints of a path, at least one.

    Args:
        path: The path.

    Raises:
        InputError: If it holds none.
    """
    if isinstance(path, keras.Model):
        return [[ops.convert_to_numpy(w) for w in values(path)[0]]]
    rows = path.checkpoints if hasattr(path, "checkpoints") else path
    require(len(rows) > 0, "a path must hold checkpoints: train with it first", checkpoints=len(rows))
    return [[np.asarray(w) for w in row] for row in rows]


def _flat(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([a.astype(np.float64).ravel() for a in arrays])
