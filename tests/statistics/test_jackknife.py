import numpy as np
import pytest
import scipy.stats

from keras_sharpness.statistics import jackknife_interval
from keras_sharpness.statistics.jackknife import leave_one_out
from tests.support.correlated import pairs


@pytest.mark.parametrize("ties", [False, True])
def test_leaving_out_each_model_by_hand(ties):
    x, y = pairs(23, -0.3, np.random.default_rng(0))
    if ties:
        x, y = np.round(x), np.round(2 * y)
    expected = [scipy.stats.kendalltau(np.delete(x, i), np.delete(y, i)).statistic for i in range(23)]
    np.testing.assert_allclose(leave_one_out(x, y), expected)


@pytest.mark.slow
@pytest.mark.parametrize("tau", [0.0, -0.4])
@pytest.mark.parametrize(("num_models", "repetitions"), [(50, 1500), (200, 800), (1000, 300)])
def test_interval_covers(num_models, repetitions, tau):
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(repetitions):
        _, low, high = jackknife_interval(*pairs(num_models, tau, rng))
        covered += low <= tau <= high
    error = np.sqrt(0.95 * 0.05 / repetitions)
    assert 0.93 - 2 * error <= covered / repetitions <= 0.97 + 2 * error


def test_perfect_agreement_has_no_width():
    x = np.arange(10.0)
    assert jackknife_interval(x, x) == (0, 1, 1)
