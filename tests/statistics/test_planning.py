import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import pool_size, power, tau_standard_deviation, type_s_error
from keras_sharpness.statistics.pairs import taus_of_rows


def simulate(tau, num_models, repetitions, seed=0):
    rng = np.random.default_rng(seed)
    r = np.sin(np.pi * tau / 2)
    x, noise = rng.normal(size=(2, repetitions, num_models))
    y = r * x + np.sqrt(1 - r**2) * noise
    taus = taus_of_rows(x, y)
    # Without ties the p-value follows from the size of tau.
    _, first, places = np.unique(abs(taus).round(9), return_index=True, return_inverse=True)
    return taus, np.array([scipy.stats.kendalltau(x[k], y[k]).pvalue for k in first])[places]


@pytest.mark.slow
@pytest.mark.parametrize(("tau", "num_models"), [(0.0, 50), (-0.2, 50), (0.6, 20)])
def test_standard_deviation_by_simulation(tau, num_models):
    taus, _ = simulate(tau, num_models, 4000)
    assert taus.mean() == pytest.approx(tau, abs=0.01)
    assert tau_standard_deviation(tau, num_models) == pytest.approx(taus.std(), rel=0.05)


def test_independent_pairs_have_kendall_s_variance():
    n = 50
    assert tau_standard_deviation(0, n) == pytest.approx(np.sqrt(2 * (2 * n + 5) / (9 * n * (n - 1))))


@pytest.mark.slow
def test_power_and_sign_errors_by_simulation():
    taus, p_values = simulate(-0.2, 50, 4000)
    significant = p_values < 0.05
    assert power(-0.2, 50) == pytest.approx(significant.mean(), abs=0.04)
    taus, p_values = simulate(-0.03, 20, 20000, seed=1)
    wrong = (taus > 0)[p_values < 0.05].mean()
    assert type_s_error(-0.03, 20) == pytest.approx(wrong, abs=0.06)


def test_pool_size_is_the_smallest_that_will_do():
    size = pool_size(-0.2)
    assert power(-0.2, size) >= 0.8 > power(-0.2, size - 1)
    assert 80 < size < 100
    assert pool_size(-0.02) > 50 * size
    assert pool_size(0.2) == size


def test_no_pool_tells_zero_from_zero():
    with pytest.raises(InputError, match="not zero"):
        pool_size(0.0)


@pytest.mark.parametrize("tau", [1, -1.0])
def test_a_perfect_tau_never_varies(tau):
    assert tau_standard_deviation(tau, 50) == 0
    assert power(tau, 50) == 1
    assert power(tau, 2) == 0  # Two models show nothing.
    assert type_s_error(tau, 50) == 0
    assert np.isnan(type_s_error(tau, 2))
    assert power(tau, pool_size(tau)) == 1
    assert power(tau, 50) == pytest.approx(power(0.999 * tau, 50))


@pytest.mark.parametrize("function", [power, type_s_error])
def test_bad_levels_are_refused(function):
    with pytest.raises(InputError, match="`level` must be between 0 and 1"):
        function(0.2, 50, level=1.0)
