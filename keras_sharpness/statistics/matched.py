"""tau over matched pairs: the estimator "matched" of `conditional_kendall`.

Each model is paired with its nearest neighbours in the given quantities, and tau-b is taken over these pairs only. With
pairs that agree in the given quantities this is Quade's index of matched correlation (Quade 1974, "Nonparametric
partial correlation"): the mean of the tau that holds at each value of what is given. Pairs that agree only nearly leave
a bias of the order of (neighbours / models)^2, which `neighbour_sensitivity` shows.
"""

import numpy as np
import scipy

from keras_sharpness.statistics.residual import normal_scores


def default_neighbours(num_models: int) -> int:
    """Returns the cube root of the number of models: the bias then falls faster than the standard error."""
    return max(1, round(num_models ** (1 / 3)))


def matched_tau(data: np.ndarray, num_neighbours: int) -> float:
    """Returns tau-b over the pairs of each model with its neighbours; pairs of mutual neighbours count twice.

    Which of several equally near models are taken is arbitrary: where quantities take few values, `stratified_kendall`
    uses all pairs that agree.

    Args:
        data: x, y and the given quantities, shape (2 + num_given, num_models).
        num_neighbours: Neighbours of each model, nearest in the whitened normal scores of the given quantities; all
            others, where the models are fewer.
    """
    x, y, *_ = data
    first, second = _neighbours(_whitened(normal_scores(data[2:])), min(num_neighbours, len(x) - 1))
    signs_x, signs_y = np.sign(x[first] - x[second]), np.sign(y[first] - y[second])
    untied = np.count_nonzero(signs_x) * np.count_nonzero(signs_y)
    return float((signs_x * signs_y).sum() / np.sqrt(untied)) if untied else float("nan")


def _whitened(scores: np.ndarray) -> np.ndarray:
    """Returns uncorrelated combinations of the scores, so that a quantity given twice does not count twice."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    left, sizes, right = np.linalg.svd(centred, full_matrices=False)
    return right[sizes > 1e-10 * sizes[0]]


def _neighbours(points: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns both models of all pairs; `points` has shape (num_dimensions, num_models)."""
    second = scipy.spatial.cKDTree(points.T).query(points.T, number + 1)[1]
    first = np.broadcast_to(np.arange(len(second))[:, None], second.shape)
    others = first != second
    # Among many equal points a model need not be its own nearest: then its farthest one goes.
    others[others.all(axis=1), -1] = False
    return first[others], second[others]
