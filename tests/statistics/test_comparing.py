import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import compare_taus, jackknife_interval, kendall
from tests.support.correlated import pairs


def test_by_hand():
    rng = np.random.default_rng(0)
    a, b = pairs(40, -0.4, rng), pairs(60, 0.1, rng)
    r = compare_taus(a, b)
    assert r.difference == pytest.approx(kendall(*a).tau - kendall(*b).tau)
    assert r.standard_error**2 == pytest.approx(jackknife_interval(*a)[0] ** 2 + jackknife_interval(*b)[0] ** 2)
    assert (r.ci_low, r.ci_high) == pytest.approx(
        (r.difference - 1.959964 * r.standard_error, r.difference + 1.959964 * r.standard_error)
    )
    assert r.p_value == pytest.approx(2 * scipy.stats.norm.cdf(-abs(r.difference) / r.standard_error))
    other = compare_taus(b, a)
    assert (other.difference, other.p_value) == pytest.approx((-r.difference, r.p_value))


@pytest.mark.slow
@pytest.mark.parametrize("tau", [0.0, -0.4])
def test_equal_taus_have_uniform_p_values(tau):
    rng = np.random.default_rng(1)
    p_values = np.array([compare_taus(pairs(50, tau, rng), pairs(50, tau, rng)).p_value for _ in range(1000)])
    assert 0.03 <= np.mean(p_values < 0.05) <= 0.07
    assert 0.45 <= np.mean(p_values < 0.5) <= 0.55


def test_different_taus_are_found():
    rng = np.random.default_rng(2)
    found = [compare_taus(pairs(50, -0.4, rng), pairs(50, 0.3, rng)).p_value < 0.05 for _ in range(50)]
    assert np.mean(found) > 0.9


@pytest.mark.parametrize("b", [([1, 2, 3], [1, 2, 3]), ([1, 2, 2], [1, 3, 2])])
def test_a_pool_that_shows_no_spread_leaves_no_p_value(b):
    a = pairs(20, -0.9, np.random.default_rng(4))
    r = compare_taus(a, b)
    assert r.difference < -1
    assert np.isnan([r.standard_error, r.p_value, r.ci_low, r.ci_high]).all()


def test_a_pool_without_a_tau_is_refused():
    with pytest.raises(InputError, match="`test_loss` must not be the same"):
        compare_taus(([1, 2, 3], [1, 2, 3]), ([1, 2, 3], [1, 1, 1]))
