"""Kendall's tau of two quantities given others, zero where they are independent given these.

Kendall's partial tau (`partial`) is not: for normal quantities its null value is far from zero. The two estimators here
first take out what the given quantities explain:

- "copula": with r_ij = sin(pi tau_ij / 2), the correlation of normal pairs whose tau is tau_ij (Kruskal 1958, section
  5), the partial correlation of x and y given the others, turned back into a tau by 2 / pi arcsin(r). Right for any
  increasing transformation of jointly normal quantities.
- "residual": tau of what regressions on natural cubic splines of the given quantities leave of the normal scores of x
  and y. It asks for no joint distribution, only that both depend smoothly, and additively, on what is given.
"""

from collections.abc import Callable, Sequence

import numpy as np
import scipy.special
import scipy.stats
from numpy.typing import ArrayLike

from keras_sharpness.errors import require
from keras_sharpness.statistics.correlation import Kendall, vector

METHODS = ("residual", "copula")
# Parts that models are left out in; each costs the estimate once.
NUM_PARTS = 50
FEWEST_MODELS = 15


def conditional_kendall(
    x: ArrayLike,
    y: ArrayLike,
    given: Sequence[ArrayLike],
    method: str = "residual",
    *,
    confidence: float = 0.95,
) -> Kendall:
    """Correlates two quantities with others held fixed.

    Interval and p-value come from one standard error, that of a jackknife which leaves out one of up to 50 parts of the
    models at a time (each part drawn across the pool), on Fisher's z = artanh(tau), with Student's distribution.

    Args:
        x: One value per model, shape (num_models,).
        y: One value per model.
        given: The quantities to hold fixed, each with one value per model.
        method: "residual" or "copula"; see the module.
        confidence: Nominal coverage of the interval over models, between 0 and 1.

    Returns:
        The conditional correlation; its interval and p-value are NaN for fewer than 15 models.

    Raises:
        InputError: If an argument is out of range or a quantity is the same for all models.
    """
    require(0 < confidence < 1, "`confidence` must be between 0 and 1", confidence=confidence)
    require(method in METHODS, f"`method` must be one of {', '.join(METHODS)}", method=method)
    require(len(given) > 0, "`given` must hold at least one quantity", given=len(given))
    names = ("x", "y", *(f"given[{k}]" for k in range(len(given))))
    data = np.stack(_of_one_length(names, (x, y, *given)))
    estimate = _copula if method == "copula" else _residual
    tau = estimate(data)
    low, high, p_value = _jackknife(data, estimate, tau, confidence)
    return Kendall(tau=tau, p_value=p_value, ci_low=low, ci_high=high, num_models=data.shape[1], confidence=confidence)


def _of_one_length(names: Sequence[str], columns: Sequence[ArrayLike]) -> list[np.ndarray]:
    vectors = [vector(name, values) for name, values in zip(names, columns, strict=True)]
    lengths = {name: len(values) for name, values in zip(names, vectors, strict=True)}
    require(len(set(lengths.values())) == 1, "all quantities must be of one length", lengths=lengths)
    require(len(vectors[0]) > 2 * len(vectors), "there must be more models", num_models=len(vectors[0]))
    for name, values in zip(names, vectors, strict=True):
        require(values.min() < values.max(), f"`{name}` must not be the same for all models", value=float(values[0]))
    return vectors


def _copula(data: np.ndarray) -> float:
    size = len(data)
    r = np.eye(size)
    for i in range(size):
        for j in range(i):
            r[i, j] = r[j, i] = np.sin(np.pi / 2 * scipy.stats.kendalltau(data[i], data[j]).statistic)
    if np.linalg.cond(r) > 1e12:
        return float("nan")
    precision = np.linalg.inv(r)
    partial = -precision[0, 1] / np.sqrt(precision[0, 0] * precision[1, 1])
    return float(2 / np.pi * np.arcsin(np.clip(partial, -1, 1)))


def _residual(data: np.ndarray) -> float:
    x, y, *given = _normal_scores(data)
    rest_x, rest_y = _smooth_residuals(np.stack([x, y]), np.stack(given))
    return float(scipy.stats.kendalltau(rest_x, rest_y).statistic)


def _normal_scores(data: np.ndarray) -> np.ndarray:
    """Returns the normal quantiles of the ranks, row by row (van der Waerden)."""
    return scipy.special.ndtri(scipy.stats.rankdata(data, axis=1) / (data.shape[1] + 1))


def _smooth_residuals(responses: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Returns what a least-squares fit of natural cubic splines in the given quantities leaves.

    Args:
        responses: Shape (num_responses, num_models).
        given: Shape (num_given, num_models).
    """
    columns = [np.ones(given.shape[1]), *(column for row in given for column in _splines(row))]
    basis = np.linalg.qr(np.stack(columns, axis=1))[0]
    return responses - responses @ basis @ basis.T


def _splines(z: np.ndarray) -> list[np.ndarray]:
    """Returns natural cubic splines of one quantity, more of them for more models (Hastie et al. 2009, eq. 5.4)."""
    num_knots = int(np.clip(round(len(z) ** (1 / 3)), 3, 12))
    knots = np.unique(np.quantile(z, np.linspace(0.02, 0.98, num_knots)))
    if len(knots) < 3:
        return [z]
    last = knots[-1]

    def d(knot: float) -> np.ndarray:
        return (np.maximum(z - knot, 0) ** 3 - np.maximum(z - last, 0) ** 3) / (last - knot)

    return [z, *(d(knot) - d(knots[-2]) for knot in knots[:-2])]


def _jackknife(
    data: np.ndarray, estimate: Callable[[np.ndarray], float], tau: float, confidence: float
) -> tuple[float, float, float]:
    num_models = data.shape[1]
    if num_models < FEWEST_MODELS or not abs(tau) < 1:
        return float("nan"), float("nan"), float("nan")
    # Models are dealt out in random order, so that no part is special.
    order = np.random.default_rng(0).permutation(num_models)
    parts = np.array_split(order, min(NUM_PARTS, num_models))
    left = np.array([np.arctanh(estimate(np.delete(data, part, axis=1))) for part in parts])
    count = len(parts)
    error = float(np.sqrt((count - 1) / count * ((left - left.mean()) ** 2).sum()))
    t = scipy.stats.t(count - 1)
    low, high = np.tanh(np.arctanh(tau) + np.array([-1, 1]) * t.ppf((1 + confidence) / 2) * error)
    return float(low), float(high), float(2 * t.sf(abs(np.arctanh(tau)) / error))
