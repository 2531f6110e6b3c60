"""tau of what regressions on the given quantities leave: the estimator "residual" of `conditional_kendall`."""

import numpy as np
import scipy


def residual_tau(data: np.ndarray) -> float:
    """Returns tau of the residuals of the first two quantities.

    Args:
        data: x, y and the given quantities, shape (2 + num_given, num_models).
    """
    x, y, *given = normal_scores(data)
    rest_x, rest_y = _smooth_residuals(np.stack([x, y]), np.stack(given))
    return float(scipy.stats.kendalltau(rest_x, rest_y).statistic)


def normal_scores(data: np.ndarray) -> np.ndarray:
    """Returns the normal quantiles of the ranks, row by row (van der Waerden)."""
    scores: np.ndarray = scipy.special.ndtri(scipy.stats.rankdata(data, axis=1) / (data.shape[1] + 1))
    return scores


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
