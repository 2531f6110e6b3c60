"""The largest eigenvalue of a matrix that changes little from one measurement to the next."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.linalg

# Share of a random direction in a start: from the eigenvector of one eigenvalue alone, another that has become larger
# would never be seen.
_FRESH = 0.1


class TopEigenvalue(NamedTuple):
    """A largest eigenvalue.

    Attributes:
        value: The eigenvalue.
        vector: Its unit eigenvector.
        residual: ||A v - value v||.
        products: Products with the matrix that it took.
    """

    value: float
    vector: np.ndarray
    residual: float
    products: int


def top_eigenvalue(
    product: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    rng: np.random.Generator,
    tolerance: float = 1e-3,
    most: int = 100,
) -> TopEigenvalue:
    """Finds the largest eigenvalue by the Lanczos method from a vector near its eigenvector.

    Stops when the residual is below `tolerance` times the value, or after `most` products. The error of the value is at
    most the residual, and of the order of its square where the next eigenvalue is far.

    Args:
        product: The symmetric matrix.
        start: The eigenvector of a similar matrix; any vector, if there is none.
        rng: Draws the random direction that is mixed into the start.
        tolerance: Residual, relative to the value.
        most: Products at most.

    Returns:
        The eigenvalue; NaN where a product is not finite.
    """
    fresh = rng.normal(size=len(start))
    start = start / np.linalg.norm(start) + _FRESH * fresh / np.linalg.norm(fresh)
    diagonal: list[float] = []
    off_diagonal: list[float] = []
    basis = [start / np.linalg.norm(start)]
    while True:
        vector = product(basis[-1])
        if not np.isfinite(vector).all():
            return TopEigenvalue(float("nan"), basis[0], float("nan"), len(basis))
        diagonal.append(float(vector @ basis[-1]))
        known = np.array(basis)
        # Twice, since the first time leaves rounding errors.
        for _ in range(2):
            vector = vector - (known @ vector) @ known
        size = float(np.linalg.norm(vector))
        last = len(diagonal) - 1
        values, vectors = scipy.linalg.eigh_tridiagonal(diagonal, off_diagonal, select="i", select_range=(last, last))
        residual = size * abs(vectors[-1, 0])
        if residual <= tolerance * abs(values[0]) or len(basis) >= min(most, len(start)):
            return TopEigenvalue(float(values[0]), vectors[:, 0] @ known, residual, len(basis))
        off_diagonal.append(size)
        basis.append(vector / size)
