"""Eigenvalues, trace and spectral density of the Hessian and its relatives, from matrix-vector products.

`operator` makes the matrix once; the other functions take it in place of a model, and so does SciPy. `kind` says which
matrix it is. The plain one has `scaling="none"`, that of the adaptive geometry `scaling="adaptive"`.
"""

import dataclasses
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np
import scipy.linalg
import scipy.sparse.linalg
from numpy.typing import ArrayLike

from keras_sharpness.errors import require, require_count, require_seed
from keras_sharpness.measures.curvature import CurvatureArguments, CurvatureOperator, Source, counted
from keras_sharpness.measures.estimate import Estimate
from keras_sharpness.measures.readable import Readable, interval, number
from keras_sharpness.measures.sample import LossArguments, Sample
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.statistics import standard_error
from keras_sharpness.typing import CurvatureName, DerivativesName, ScalingName

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WHICH: dict[str, Any] = {"magnitude": "LM", "largest": "LA", "smallest": "SA"}
METHODS = ("hutchinson", "hutch++")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Eigenvalues(Readable):
    """Leading eigenvalues of a curvature matrix.

    Attributes:
        values: Eigenvalues, shape (k,), the leading one first.
        residuals: ||A v - value v|| for the unit eigenvectors v, shape (k,): the distance to a true eigenvalue is no
            larger.
        vectors: Eigenvectors, shape (k, size).
    """

    values: np.ndarray
    residuals: np.ndarray
    vectors: np.ndarray

    @property
    def settled(self) -> bool:
        """Whether all residuals are below a hundredth of the largest absolute value."""
        return bool(self.residuals.max() <= 0.01 * np.abs(self.values).max())

    def summary(self) -> dict[str, str]:
        """Returns what is shown of it."""
        shown, more = ", ".join(map(number, self.values[:5])), ", ..." if len(self.values) > 5 else ""
        state = "settled" if self.settled else "not settled"
        return {"values": f"[{shown}{more}]", "largest_residual": number(self.residuals.max()), "search": state}

    def columns(self) -> dict[str, ArrayLike]:
        """Returns the columns of `to_frame`, which has a row for each eigenvalue."""
        return {"value": self.values, "residual": self.residuals}


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SpectralDensity(Readable):
    """The distribution of a curvature matrix's eigenvalues, smoothed.

    Attributes:
        grid: Points, shape (num_points,).
        density: Density at the points; its integral is one.
        standard_error: Standard error of the density over the random starts.
        nodes: Ritz values of each start, in ascending order; fewer than the steps where Lanczos ended early.
        weights: Their weights, each array summing to one.
    """

    grid: np.ndarray
    density: np.ndarray
    standard_error: np.ndarray
    nodes: list[np.ndarray]
    weights: list[np.ndarray]

    def summary(self) -> dict[str, str]:
        """Returns what is shown of it."""
        return {"eigenvalues": interval(np.concatenate(self.nodes)), "starts": str(len(self.nodes))}

    def columns(self) -> dict[str, ArrayLike]:
        """Returns the columns of `to_frame`, which has a row for each point."""
        return {"point": self.grid, "density": self.density, "standard_error": self.standard_error}

    def plot(self) -> "Figure":
        """Returns a figure of the density on a logarithmic scale."""
        from keras_sharpness.measures import plots

        return plots.spectral_density(self.grid, self.density, self.standard_error)


def operator(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    kind: CurvatureName = "hessian",
    scaling: ScalingName = "none",
    eta: float = 0.0,
    derivatives: DerivativesName = "exact",
    **data: Unpack[LossArguments],
) -> CurvatureOperator:
    """Makes a curvature matrix of the mean loss as a `scipy.sparse.linalg.LinearOperator`.

        hessian    H, the second derivative of the mean loss
        ggn        1/n sum_i J_i' M_i J_i, the generalized Gauss-Newton matrix: J_i the derivative of the outputs, M_i
                   the second derivative of the loss with respect to them (Schraudolph 2002, Neural Computation 14(7);
                   Martens 2014, arXiv:1412.1193)
        fisher     1/n sum_i g_i g_i', the empirical Fisher matrix: g_i the gradient of the loss of example i

    The matrix is that at the weights which the model has now; weights that change later do not change it.

        matrix = ks.hessian.operator(model, x, y)
        values, vectors = scipy.sparse.linalg.eigsh(matrix, k=5)
        ks.hessian.trace(matrix)

    Args:
        model: Built Keras model, or a `Sample` in place of model and data.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        kind: "hessian", "ggn" or "fisher". For softmax cross-entropy of logits, "ggn" is the Fisher matrix, the
            expectation of g g' over the model's own labels; "fisher" takes the labels of the data.
        scaling: Scale D of the matrix D A D: "none" for D = 1, "adaptive" for D = |w|, "per_filter" or "per_layer".
        eta: Floor added to the scale.
        derivatives: "exact", or "differences": from gradients (of "hessian") or outputs (of the others) at two points,
            for operations whose second derivative is missing or wrong. Products are then right to about three digits.
        **data: `examples`, `training`, `select` (the weights whose matrix it is), `normalize_logits`, `regularization`,
            `sample_weight`, `class_weight`, `batch_size`, `progress`; see `Sample`.

    Returns:
        The operator, of shape (n, n) for n weights that move.

    Raises:
        InputError: If an argument is out of range or does not fit the others, or the loss is random or has no
            second derivative. "fisher" refuses
            `training=True`, since batch statistics couple the examples.
    """
    return CurvatureOperator(Sample.of(model, x, y, loss, data, LossArguments, m=None), kind, scaling, eta, derivatives)


def top_eigenvalues(
    model: Source,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    k: int = 1,
    which: str = "magnitude",
    tolerance: float = 1e-4,
    seed: int = 0,
    **matrix: Unpack[CurvatureArguments],
) -> Eigenvalues:
    """Finds leading eigenvalues by the implicitly restarted Lanczos method of ARPACK.

    Args:
        model: Built Keras model, a `Sample` in place of model and data, or an operator, such as that of `operator`.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        k: How many.
        which: "magnitude" (largest absolute value), "largest" or "smallest" (most negative).
        tolerance: Relative accuracy. Products are in float32, which limits it to about 1e-6.
        seed: Seed of the start vector.
        **matrix: `kind`, `scaling`, `eta`, `derivatives`, `examples`, `training`, `select`, `normalize_logits`,
            `regularization`, `sample_weight`, `class_weight`, `batch_size`, `progress`; see `operator`.

    Returns:
        The eigenvalues with their residuals.

    Raises:
        InputError: If an argument is out of range, or the loss is random.
    """
    require_count("k", k)
    require_seed(seed)
    require(which in WHICH, f"`which` must be one of {', '.join(WHICH)}", which=which)
    product = CurvatureOperator.of(model, x, y, loss, matrix)
    size = product.shape[0]
    require(1 <= k <= size, f"`k` must be 1 to {size}, the number of weights", k=k)
    with counted(product):
        found, vectors = _eigenpairs(product, k, which, tolerance, seed)
    keys = {"magnitude": -np.abs(found), "largest": -found, "smallest": found}
    order = np.argsort(keys[which])[:k]
    found, vectors = found[order], vectors.T[order]
    residuals = [np.linalg.norm(product.matvec(v) - value * v) for value, v in zip(found, vectors, strict=True)]
    return Eigenvalues(found, np.array(residuals), vectors)


def trace(
    model: Source,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    method: str = "hutch++",
    num_products: int = 30,
    seed: int = 0,
    **matrix: Unpack[CurvatureArguments],
) -> Estimate:
    """Estimates the trace of a curvature matrix A, by default the Hessian, without bias.

    Hutchinson (1990): the mean of z'Az over random signs z. Hutch++ (Meyer et al. 2021, arXiv:2010.09649, algorithm 1):
    a third of the products finds a subspace that holds most of A, whose trace is taken exactly; the rest is estimated.

    Args:
        model: Built Keras model, a `Sample` in place of model and data, or an operator, such as that of `operator`.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        method: "hutchinson" or "hutch++".
        num_products: Products with vectors to spend.
        seed: Seed of the signs.
        **matrix: `kind`, `scaling`, `eta`, `derivatives`, `examples`, `training`, `select`, `normalize_logits`,
            `regularization`, `sample_weight`, `class_weight`, `batch_size`, `progress`; see `operator`.

    Returns:
        The trace; `samples` are the single estimates.

    Raises:
        InputError: If an argument is out of range, or the loss is random.
    """
    require_seed(seed)
    require(method in METHODS, f"`method` must be one of {', '.join(METHODS)}", method=method)
    require(num_products >= 3, "`num_products` must be at least 3", num_products=num_products)
    product = CurvatureOperator.of(model, x, y, loss, matrix)
    with counted(product, num_products):
        samples = _traces(product, method, num_products, np.random.default_rng(seed))
    return Estimate(float(samples.mean()), standard_error(samples), samples)


def spectral_density(
    model: Source,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    num_runs: int = 5,
    num_steps: int = 50,
    width: float = 0.01,
    num_points: int = 1000,
    seed: int = 0,
    **matrix: Unpack[CurvatureArguments],
) -> SpectralDensity:
    """Estimates the density of all eigenvalues by stochastic Lanczos quadrature (arXiv:1901.10159).

    Args:
        model: Built Keras model, a `Sample` in place of model and data, or an operator, such as that of `operator`.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        num_runs: Random starts.
        num_steps: Lanczos steps of each, with full reorthogonalization.
        width: Standard deviation of the Gaussian that smooths, as a share of the spectrum's range.
        num_points: Points of the grid.
        seed: Seed of the starts.
        **matrix: `kind`, `scaling`, `eta`, `derivatives`, `examples`, `training`, `select`, `normalize_logits`,
            `regularization`, `sample_weight`, `class_weight`, `batch_size`, `progress`; see `operator`.

    Returns:
        The density.

    Raises:
        InputError: If an argument is out of range, or the loss is random.
    """
    require_seed(seed)
    require_count("num_runs", num_runs)
    require_count("num_steps", num_steps)
    require_count("num_points", num_points)
    require(width > 0, "`width` must be positive", width=width)
    product = CurvatureOperator.of(model, x, y, loss, matrix)
    size = product.shape[0]
    starts = np.random.default_rng(seed).normal(size=(num_runs, size))
    steps = min(num_steps, size)
    with counted(product, num_runs * steps):
        runs = [lanczos(product.matvec, start, steps) for start in starts]
    low, high = min(n.min() for n, _ in runs), max(n.max() for n, _ in runs)
    spread = max(high - low, 1e-6 * max(abs(low), abs(high)), np.finfo(np.float32).tiny)
    grid = np.linspace(low - 0.1 * spread, high + 0.1 * spread, num_points)
    densities = np.stack([_smooth(nodes, weights, grid, width * spread) for nodes, weights in runs])
    error = densities.std(axis=0, ddof=1) / np.sqrt(num_runs) if num_runs > 1 else np.full(num_points, np.nan)
    nodes, weights = map(list, zip(*runs, strict=True))
    return SpectralDensity(grid, densities.mean(axis=0), error, nodes, weights)


def lanczos(product: Any, start: np.ndarray, num_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Runs the Lanczos method and returns its Gauss quadrature.

    Args:
        product: The symmetric operator.
        start: Start vector, not zero.
        num_steps: Steps at most; fewer where an invariant subspace is found.

    Returns:
        Ritz values in ascending order, and the squares of their eigenvectors' first entries, which sum to one.
    """
    basis, diagonal, off_diagonal = np.zeros((num_steps, len(start))), [], []
    basis[0] = start / np.linalg.norm(start)
    for step in range(num_steps):
        vector = product(basis[step])
        diagonal.append(vector @ basis[step])
        # Twice, since the first time leaves rounding errors.
        for _ in range(2):
            vector = vector - (basis[: step + 1] @ vector) @ basis[: step + 1]
        size = np.linalg.norm(vector)
        if step + 1 == num_steps or size <= 1e-6 * max(np.abs(diagonal).max(), np.finfo(float).tiny):
            break
        off_diagonal.append(size)
        basis[step + 1] = vector / size
    nodes, vectors = scipy.linalg.eigh_tridiagonal(np.array(diagonal), np.array(off_diagonal))
    return nodes, vectors[0] ** 2


def _eigenpairs(
    product: scipy.sparse.linalg.LinearOperator, k: int, which: str, tolerance: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns eigenvalues and eigenvectors, at least the k that are asked for, in any order."""
    size = product.shape[0]
    if k >= size - 1:
        # ARPACK wants room for its Krylov space.
        dense = product.matmat(np.eye(size))
        return scipy.linalg.eigh((dense + dense.T) / 2)
    start = np.random.default_rng(seed).normal(size=size)
    found = scipy.sparse.linalg.eigsh(product, k, which=WHICH[which], v0=start, tol=tolerance)
    return found


def _traces(
    product: scipy.sparse.linalg.LinearOperator, method: str, num_products: int, rng: np.random.Generator
) -> np.ndarray:
    """Returns single estimates of the trace; see `trace`."""
    size = product.shape[0]
    third = 0 if method == "hutchinson" else min(num_products // 3, size)
    basis = np.zeros((size, 0))
    if third:
        sketch = np.stack([product.matvec(z) for z in _signs(rng, third, size)], axis=1)
        basis = np.linalg.qr(sketch)[0]
    exact = sum(q @ product.matvec(q) for q in basis.T)
    probes = _signs(rng, max(num_products - 2 * third, 1), size)
    probes = probes - (probes @ basis) @ basis.T
    return exact + np.array([z @ product.matvec(z) for z in probes])


def _signs(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], size=(count, size))


def _smooth(nodes: np.ndarray, weights: np.ndarray, grid: np.ndarray, width: float) -> np.ndarray:
    bells = np.exp(-((grid[:, None] - nodes) ** 2) / (2 * width**2)) / (width * np.sqrt(2 * np.pi))
    return bells @ weights
