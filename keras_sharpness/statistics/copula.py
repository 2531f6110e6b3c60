"""tau of the Gaussian copula's partial correlation: the estimator "copula" of `conditional_kendall`."""

import itertools

import numpy as np

from keras_sharpness.statistics.pairs import pair_sums


def copula_tau(data: np.ndarray) -> tuple[float, np.ndarray]:
    """Returns the partial tau of the first two quantities given the others, and without each model in turn.

    With r_ij = sin(pi tau_ij / 2) and P the inverse of r, the partial correlation is -P_12 / sqrt(P_11 P_22).

    Args:
        data: x, y and the given quantities, shape (2 + num_given, num_models).

    Returns:
        The estimate, and its values without each model, shape (num_models,); NaN where a quantity repeats others.
    """
    size, num_models = data.shape
    taus = np.tile(np.eye(size), (num_models + 1, 1, 1))  # The pool first, then the pool without each model.
    for i, j in itertools.combinations(range(size), 2):
        sums = pair_sums(data[i], data[j])
        taus[:, i, j] = taus[:, j, i] = [sums.tau, *sums.left_out]
    found = _partial(np.sin(np.pi / 2 * taus))
    return float(found[0]), found[1:]


def _partial(r: np.ndarray) -> np.ndarray:
    """Returns the partial tau of each matrix of correlations; `r` has shape (num_matrices, size, size)."""
    defined = np.isfinite(r).all(axis=(1, 2))
    defined[defined] = np.linalg.cond(r[defined]) <= 1e12
    precision = np.linalg.inv(np.where(defined[:, None, None], r, np.eye(r.shape[1])))
    with np.errstate(invalid="ignore"):  # The matrix of some ranks is no correlation matrix.
        partial = -precision[:, 0, 1] / np.sqrt(precision[:, 0, 0] * precision[:, 1, 1])
    return np.where(defined, 2 / np.pi * np.arcsin(np.clip(partial, -1, 1)), np.nan)
