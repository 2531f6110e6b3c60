import numpy as np
import pytest

from keras_sharpness.statistics.matched import default_neighbours, matched_tau
from keras_sharpness.statistics.residual import normal_scores


def by_hand(x, y, points, number):
    """All pairs of each model with its nearest ones; `points` has shape (num_models, num_dimensions)."""
    sums = np.zeros(3)
    for i in range(len(x)):
        distances = np.square(points - points[i]).sum(axis=1)
        for j in [j for j in np.argsort(distances) if j != i][:number]:
            signs = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
            sums += signs[0] * signs[1], abs(signs[0]), abs(signs[1])
    return sums[0] / np.sqrt(sums[1] * sums[2])


@pytest.mark.parametrize("number", [1, 2, 10])
@pytest.mark.parametrize("num_given", [1, 2])
def test_equals_all_pairs_of_nearest_neighbours(number, num_given):
    rng = np.random.default_rng(0)
    x, y = np.round(2 * rng.normal(size=(2, 41)))
    given = rng.normal(size=(num_given, 41))
    if num_given == 2:
        given[1] += given[0]
    scores = normal_scores(given)
    points = np.linalg.solve(np.linalg.cholesky(np.cov(scores, ddof=0).reshape(num_given, -1)), scores)
    expected = [by_hand(x, y, points.T, number)]
    if num_given == 1:  # Symmetric ranks leave ties of distance, which either neighbour may win.
        expected = [by_hand(x, y, points.T * (1 + sign * 1e-9 * np.arange(41)[:, None]), number) for sign in (-1, 1)]
    assert min(abs(matched_tau(np.stack([x, y, *given]), number) - value) for value in expected) < 1e-12


def test_a_quantity_given_twice_changes_nothing():
    x, y, z = np.random.default_rng(1).normal(size=(3, 200))
    assert matched_tau(np.stack([x, y, z, z]), 5) == pytest.approx(matched_tau(np.stack([x, y, z]), 5), abs=0.02)


def test_equal_models_are_matched_first():
    rng = np.random.default_rng(2)
    epochs = np.repeat([10, 20], 100)
    noise, own = rng.normal(size=(2, 200))
    data = np.stack([epochs + noise, epochs - noise + 0.1 * own, epochs])
    assert np.corrcoef(data[0], data[1])[0, 1] > 0.8
    assert matched_tau(data, 10) < -0.8


def test_default_grows_slowly():
    assert [default_neighbours(n) for n in (2, 50, 1000, 5000)] == [1, 4, 10, 17]
