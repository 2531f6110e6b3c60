"""Kendall's tau of a pool."""

import dataclasses

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import Kendall, jackknife_interval, kendall
from keras_sharpness.statistics.correlation import bootstrap_tau
from keras_sharpness.statistics.intervals import percentile_interval


def pool(num_models=50, seed=0, ties=False):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal(num_models)
    y = generator.standard_normal(num_models) - 0.5 * x
    return (np.round(x), np.round(y)) if ties else (x, y)


def pool_with_tau(tau, num_models):
    """Distinct values with at most 1 / num_pairs off the wanted tau: reversed neighbours, one pair at a time."""
    num_pairs = num_models * (num_models - 1) // 2
    y = list(range(num_models))
    for _ in range(round((1 - tau) / 2 * num_pairs)):
        i = next(i for i in range(num_models - 1) if y[i] < y[i + 1])
        y[i], y[i + 1] = y[i + 1], y[i]
    return np.arange(num_models), np.array(y)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("num_models", [10, 50, 200])
def test_tau_and_p_value_are_scipys(num_models, ties):
    x, y = pool(num_models, ties=ties)
    expected = scipy.stats.kendalltau(x, y)
    result = kendall(x, y, num_resamples=100)
    assert result.tau == pytest.approx(expected.statistic, abs=1e-15)
    assert result.p_value == pytest.approx(expected.pvalue, abs=1e-15)
    assert result.num_models == num_models


@pytest.mark.parametrize(("tau", "p_value"), [(-0.311, 0.0014), (-0.180, 0.065), (-0.185, 0.058)])
def test_published_p_values_follow_from_published_tau(tau, p_value):
    result = kendall(*pool_with_tau(tau, 50), num_resamples=100)
    assert result.tau == pytest.approx(tau, abs=1e-3)
    assert result.p_value == pytest.approx(p_value, rel=0.05)


def test_tau_is_the_papers_sum_over_pairs():
    x, y = pool(12)
    total = sum(np.sign(y[i] - y[j]) * np.sign(x[i] - x[j]) for j in range(12) for i in range(j))
    assert kendall(x, y).tau == pytest.approx(2 * total / (12 * 11))


def test_interval_holds_tau_and_narrows_with_more_models():
    few, many = (kendall(*pool(num_models)) for num_models in (50, 500))
    for result in (few, many):
        assert -1 <= result.ci_low <= result.tau <= result.ci_high <= 1
    assert many.ci_high - many.ci_low < (few.ci_high - few.ci_low) / 2


def test_interval_widens_with_confidence():
    narrow, wide = (kendall(*pool(), confidence=confidence) for confidence in (0.5, 0.99))
    assert wide.ci_low < narrow.ci_low < narrow.ci_high < wide.ci_high
    assert (narrow.confidence, wide.confidence) == (0.5, 0.99)


@pytest.mark.parametrize("ties", [False, True])
def test_order_of_the_models_changes_nothing(ties):
    x, y = pool(ties=ties)
    order = np.random.default_rng(1).permutation(len(x))
    assert kendall(x, y) == kendall(x[order], y[order])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=30, unique_by=lambda v: v[0])
)
def test_only_ranks_matter(pairs):
    x, y = np.array(pairs, dtype=float).T
    if y.min() < y.max():
        results = (kendall(x, y, num_resamples=200), kendall(np.exp(x / 10), y**3, num_resamples=200))
        np.testing.assert_equal(*map(dataclasses.astuple, results))


def test_seed_decides_and_global_state_stays():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (kendall(*pool(), num_resamples=200, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.ci_low != other.ci_low
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_monotone_pool():
    result = kendall(range(20), [-v for v in range(20)])
    assert (result.tau, result.ci_low, result.ci_high) == pytest.approx((-1, -1, -1))


@pytest.mark.parametrize("num_models", [3, 14, 15])
def test_tau_needs_three_models_and_its_interval_fifteen(num_models):
    result = kendall(*pool(num_models))
    assert np.isfinite([result.tau, result.p_value]).all()
    assert np.isfinite([result.ci_low, result.ci_high]).all() == (num_models >= 15)


def test_large_pools_have_the_jackknife_s_interval():
    x, y = pool(1001)
    result = kendall(x, y)
    assert (result.ci_low, result.ci_high) == jackknife_interval(x, y)[1:]
    resampled = percentile_interval(bootstrap_tau(x, y, num_resamples=2000), 0.95, 1001)
    assert (result.ci_low, result.ci_high) == pytest.approx(resampled, abs=0.003)


def test_result_is_frozen_plain_floats():
    result = kendall(*pool())
    assert all(type(value) in (float, int) for value in dataclasses.astuple(result))
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.tau = 0.0
    assert isinstance(result, Kendall)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2], [1, 2], "at least 3 models"),
        ([], [], "at least 3 models"),
        ([1, 2, 3], [1, 2, 3, 4], "one length"),
        ([1, np.nan, 3], [1, 2, 3], r"`sharpness` must be finite.*models=\[1\]"),
        ([1, 2, 3], [1, 2, np.inf], r"`test_loss` must be finite.*models=\[2\]"),
        ([2, 2, 2], [1, 2, 3], "`sharpness` must not be the same for all models"),
        ([1, 2, 3], [2, 2, 2], "`test_loss` must not be the same for all models"),
        ([[1, 2, 3]], [1, 2, 3], "one value per model"),
        (["a", "b", "c"], [1, 2, 3], "must be numbers"),
    ],
)
def test_bad_input_is_named_in_one_line(x, y, message):
    with pytest.raises(InputError, match=message) as caught:
        kendall(x, y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", [{"confidence": 0}, {"confidence": 1.5}, {"num_resamples": 0}])
def test_bad_options(options):
    with pytest.raises(InputError, match=next(iter(options))):
        kendall(*pool(), **options)
