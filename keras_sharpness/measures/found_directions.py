"""Directions that a training or a curvature matrix has of its own: principal components and eigenvectors."""

from typing import Any, Unpack

import keras
import numpy as np

from keras_sharpness.errors import InputError, require
from keras_sharpness.measures.curvature import CurvatureArguments, CurvatureOperator
from keras_sharpness.measures.directions import GivenDirection
from keras_sharpness.measures.hessian import top_eigenvalues
from keras_sharpness.measures.placed import Path, checkpoints_of
from keras_sharpness.measures.readable import number
from keras_sharpness.measures.sample import Sample
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.typing import EigenvalueName


def principal_directions(*paths: Path) -> tuple[GivenDirection, GivenDirection]:
    """Finds the two directions in which the weights of a training vary most (arXiv:1712.09913, section 7).

    These are the first two principal components, of unit length, of the rows of

        M = [w_0 - w_n; ...; w_{n-1} - w_n]

    for checkpoints w_0 to w_n, the mean row taken off as principal component analysis does. Several paths give their
    rows together. The labels say the share of the rows' variance that each holds. A high share is no sign of a simple
    path: that of a random walk in many dimensions is 0.6 and 0.15 (arXiv:1806.08805).

    Args:
        *paths: Each a `Trajectory`, or a list of checkpoints, a list of arrays each.

    Returns:
        The two directions, signed so that the row farthest along each has a positive coordinate.

    Raises:
        InputError: If there are fewer than four checkpoints, their shapes differ, or they lie on a line.
    """
    given = [checkpoints_of(path) for path in paths]
    rows = [[w - end for w, end in zip(row, path[-1], strict=True)] for path in given for row in path[:-1]]
    require(len(rows) >= 3, "`paths` must hold at least four checkpoints", checkpoints=len(rows) + len(given))
    shapes = {tuple(w.shape for w in row) for row in rows}
    require(len(shapes) == 1, "`paths` must be of one architecture", architectures=len(shapes))
    # Array by array and by inner products of rows, so that the large matrix M is never made in float64.
    columns = [_centred(np.stack(column)) for column in zip(*rows, strict=True)]
    squares, places = np.linalg.eigh(sum(column @ column.T for column in columns))
    shares = np.maximum(squares, 0) / max(squares.sum(), np.finfo(float).tiny)
    require(bool(shares[-2] > 1e-12), "`paths` must not lie on a line", shares=shares[:-3:-1].tolist())
    first, second = (_component(rows, columns, places[:, -k], k, shares[-k]) for k in (1, 2))
    return first, second


def _component(
    rows: list[list[np.ndarray]], columns: list[np.ndarray], combination: np.ndarray, number: int, share: float
) -> GivenDirection:
    """Returns the component that is a combination of centred rows, of length one and signed."""
    parts = [combination @ column for column in columns]
    length = np.sqrt(sum(part @ part for part in parts))
    along = np.array([sum(np.vdot(w, part) for w, part in zip(row, parts, strict=True)) for row in rows])
    scale = np.sign(along[np.abs(along).argmax()]) / length
    arrays = [scale * part.reshape(w.shape) for part, w in zip(parts, rows[0], strict=True)]
    return GivenDirection(arrays=arrays, label=f"principal component {number} ({share:.1%} of variance)")


def hessian_directions(
    model: keras.Model | Sample | CurvatureOperator,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    k: int = 2,
    which: EigenvalueName = "magnitude",
    **matrix: Unpack[CurvatureArguments],
) -> tuple[GivenDirection, ...]:
    """Finds the eigenvectors of the leading eigenvalues of a curvature matrix, by default the Hessian.

    Args:
        model: Built Keras model, a `Sample` in place of model and data, or an operator of `hessian.operator`.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        k: How many.
        which: "magnitude" (largest absolute value), "largest" or "smallest" (most negative).
        **matrix: `kind`, `scaling`, `eta`, `derivatives`, `examples`, `training`, `select`, `normalize_logits`,
            `regularization`, `sample_weight`, `class_weight`, `batch_size`, `progress`; see `hessian.operator`.

    Returns:
        The directions: D v for unit eigenvectors v of D M D, which are v themselves by default. The labels say the
        eigenvalues.

    Raises:
        InputError: If an argument is out of range, or the loss is random.
    """
    product = CurvatureOperator.of(model, x, y, loss, matrix)
    if not isinstance(product, CurvatureOperator):
        raise InputError(f"an operator must be one of `hessian.operator`. Received: {type(product).__name__}")
    found = top_eigenvalues(product, k=k, which=which)
    labels = [f"eigenvector {i + 1} (eigenvalue {number(value)})" for i, value in enumerate(found.values)]
    arrays = [product.mean_loss.arrays(vector) for vector in found.vectors]
    return tuple(GivenDirection(arrays=a, label=label) for a, label in zip(arrays, labels, strict=True))


def _centred(column: np.ndarray) -> np.ndarray:
    """Returns the entries of one weight, a row for each checkpoint, without their mean."""
    rows = column.reshape(len(column), -1).astype(np.float64)
    return rows - rows.mean(axis=0)
