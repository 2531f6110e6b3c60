import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import random_effects

# mean, between_variance, Q, standard error and lower end of statsmodels 0.15.0's
# combine_effects(y, s**2, method_re="pm", atol=1e-14, use_t=True).
CASES = [
    (
        ([-0.31, -0.12, -0.25, 0.05, -0.4], [0.1, 0.09, 0.11, 0.095, 0.105]),
        (-0.20143467028355844, 0.02112342566468745, 12.723557745841592, 0.07887881327270514, -0.42043737),
    ),
    (([0.1, 0.11, 0.09, 0.1], [0.1, 0.05, 0.2, 0.1]), (0.106, 0, 0.02, 0.04, -0.02129785)),
]


def groups(count, between, rng, mean=-0.2):
    errors = rng.uniform(0.05, 0.15, count)
    true = mean + np.sqrt(between) * rng.normal(size=count)
    return true + errors * rng.normal(size=count), errors


@pytest.mark.parametrize(("data", "expected"), CASES)
def test_equals_statsmodels(data, expected):
    r = random_effects(*data)
    mean, between, spread, error, low = expected
    assert (r.mean, r.between_variance, r.standard_error, r.ci_low) == pytest.approx(
        (mean, between, error, low), rel=1e-6, abs=1e-8
    )
    assert r.i_squared == pytest.approx(max(0, 1 - (r.num_groups - 1) / spread), abs=1e-8)
    assert r.heterogeneity_p_value == pytest.approx(scipy.stats.chi2.sf(spread, r.num_groups - 1))


def test_prediction_interval_by_hand():
    r = random_effects(*CASES[0][0])
    reach = scipy.stats.t.ppf(0.975, 3) * np.sqrt(r.between_variance + r.standard_error**2)
    assert (r.prediction_low, r.prediction_high) == pytest.approx((r.mean - reach, r.mean + reach))
    assert np.isnan(random_effects([0.1, 0.4], [0.1, 0.1]).prediction_low)


@pytest.mark.parametrize("between", [0.0, 0.01, 0.04])
@pytest.mark.parametrize("count", [5, 20])
def test_intervals_cover(count, between):
    rng = np.random.default_rng([count, int(100 * between)])
    found = [random_effects(*groups(count, between, rng)) for _ in range(400)]
    # At between = 0 the interval is cautious, as another group may differ.
    assert np.mean([r.ci_low <= -0.2 <= r.ci_high for r in found]) > 0.92
    assert np.mean([r.between_variance for r in found]) == pytest.approx(between, abs=0.004)
    another = -0.2 + np.sqrt(between) * rng.normal(size=400)
    inside = np.mean([r.prediction_low <= v <= r.prediction_high for r, v in zip(found, another, strict=True)])
    # With five groups, the variance between them is hardly known (Nagashima et al. 2019).
    assert inside > (0.9 if count == 20 else 0.85)
    if between == 0:
        alarms = sum(r.heterogeneity_p_value < 0.05 for r in found)
        assert alarms <= scipy.stats.binom.ppf(0.999, 400, 0.05)


def test_equal_groups_have_no_heterogeneity():
    r = random_effects([0.2, 0.2, 0.2], [0.1, 0.1, 0.1])
    assert (r.between_variance, r.i_squared) == (0, 0)
    assert r.standard_error == pytest.approx(0.1 / np.sqrt(3))


@pytest.mark.parametrize(
    ("estimates", "errors", "message"),
    [
        ([0.1], [0.1], "two groups or more"),
        ([0.1, 0.2], [0.1], "two groups or more, each with both values"),
        ([0.1, 0.2], [0.1, 0.0], "`standard_errors` must be positive"),
        ([0.1, np.nan], [0.1, 0.1], "`estimates` must be finite"),
    ],
)
def test_bad_input_is_named(estimates, errors, message):
    with pytest.raises(InputError, match=message):
        random_effects(estimates, errors)
