import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import log_log_slope

RHOS = np.array([1e-4, 1e-3, 1e-2, 1e-1])


def sharpness(num_models, rng, first=1.0, second=10.0):
    """Rises first * rho + second * rho^2 of models whose two orders vary, with the noise of their batches."""
    a, b = first * rng.lognormal(0, 0.5, num_models), second * rng.lognormal(0, 0.5, num_models)
    radii = RHOS[:, None]
    return (a * radii + b * radii**2) * rng.lognormal(0, 0.1, (len(RHOS), num_models))


def test_equals_a_regression_on_the_means_without_each_model():
    table = sharpness(20, np.random.default_rng(0))
    r = log_log_slope(RHOS, table)

    def fit(part):
        return scipy.stats.linregress(np.log(RHOS), np.log(part.mean(axis=1))).slope

    left = np.array([fit(np.delete(table, i, axis=1)) for i in range(20)])
    assert r.slope == pytest.approx(fit(table))
    assert r.standard_error == pytest.approx(np.sqrt(19 / 20 * np.square(left - left.mean()).sum()))
    reach = scipy.stats.t.ppf(0.975, 19) * r.standard_error
    assert (r.ci_low, r.ci_high) == pytest.approx((r.slope - reach, r.slope + reach))


def test_gradients_give_one_and_curvature_two():
    rng = np.random.default_rng(1)
    assert log_log_slope(RHOS, sharpness(50, rng, second=0)).slope == pytest.approx(1, abs=0.02)
    assert log_log_slope(RHOS, sharpness(50, rng, first=0)).slope == pytest.approx(2, abs=0.02)
    local = log_log_slope(RHOS, sharpness(50, rng, second=100)).local_slopes
    assert local[0] < 1.1 and local[-1] > 1.6
    assert log_log_slope(RHOS[2:], sharpness(50, rng)[2:]).local_slopes == pytest.approx(
        [log_log_slope(RHOS[2:], sharpness(50, rng)[2:]).slope], abs=0.2
    )


@pytest.mark.slow
@pytest.mark.parametrize("num_models", [20, 100])
def test_interval_covers(num_models):
    rng, repetitions = np.random.default_rng(num_models), 400
    means = np.exp(0.125 + 0.005) * (RHOS + 10 * RHOS**2)
    truth = scipy.stats.linregress(np.log(RHOS), np.log(means)).slope
    found = [log_log_slope(RHOS, sharpness(num_models, rng)) for _ in range(repetitions)]
    missed = sum(not r.ci_low <= truth <= r.ci_high for r in found)
    assert missed <= scipy.stats.binom.ppf(0.999, repetitions, 0.06)


def test_order_of_the_radii_changes_nothing_and_small_pools_have_no_interval():
    table = sharpness(10, np.random.default_rng(2))
    r, other = log_log_slope(RHOS, table), log_log_slope(RHOS[::-1], table[::-1])
    assert (r.slope, r.local_slopes) == (pytest.approx(other.slope), pytest.approx(other.local_slopes))
    assert np.isnan([r.ci_low, r.ci_high]).all()


@pytest.mark.parametrize(
    ("rhos", "table", "message"),
    [
        ([0.1], np.ones((1, 20)), "`rhos` must be two positive radii"),
        ([0.0, 0.1], np.ones((2, 20)), "`rhos` must be two positive radii"),
        ([0.1, 0.2], np.ones((3, 20)), "a row per radius"),
        ([0.1, 0.2], np.zeros((2, 20)), "mean sharpness must be positive"),
        ([0.1, 0.2], np.full((2, 20), np.nan), "mean sharpness must be positive and finite"),
    ],
)
def test_bad_input_is_named(rhos, table, message):
    with pytest.raises(InputError, match=message):
        log_log_slope(rhos, table)
