"""The bootstrap: against explicit resampling, and its coverage."""

import warnings

import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.statistics.intervals import draw_multiplicities, percentile_interval, resample_tau


def explicit_tau(x, y, counts):
    index = np.repeat(np.arange(len(x)), counts.astype(int))
    return scipy.stats.kendalltau(x[index], y[index]).statistic


@pytest.mark.parametrize("decimals", [None, 0])
@pytest.mark.parametrize("num_models", [3, 17, 50])
def test_equals_scipy_on_the_resampled_pairs(num_models, decimals):
    generator = np.random.default_rng(2)
    x, y = generator.standard_normal((2, num_models)) * 2
    if decimals is not None:
        x, y = np.round(x, decimals), np.round(y, decimals)
    counts = np.concatenate(list(draw_multiplicities(num_models, 200, np.random.default_rng(3))))
    with warnings.catch_warnings(action="ignore"):
        expected = [explicit_tau(x, y, row) for row in counts]
    np.testing.assert_allclose(resample_tau(x, y, 200, np.random.default_rng(3)), expected, rtol=0, atol=1e-12)


def test_values_closer_than_float32_are_not_tied():
    x = 1 + 1e-12 * np.arange(10)
    taus = resample_tau(x, x, 50, np.random.default_rng(0))
    np.testing.assert_allclose(taus, 1, atol=1e-12)


def test_draws_do_not_depend_on_the_block():
    whole, parts = (
        np.concatenate(list(draw_multiplicities(7, 101, np.random.default_rng(0), block_elements=size)))
        for size in (10**6, 1)
    )
    assert (whole == parts).all()
    assert whole.shape == (101, 7)
    assert (whole.sum(axis=1) == 7).all()


def test_percentiles():
    assert percentile_interval(np.arange(101.0), 0.9, 15) == pytest.approx((5, 95))


def test_few_models_are_refused():
    with pytest.raises(InputError, match="at least 15 models.*num_models=14"):
        percentile_interval(np.arange(101.0), 0.9, 14)


def test_undefined_resamples_are_left_out():
    assert percentile_interval(np.array([np.nan, 1, 1]), 0.95, 15) == (1, 1)
    assert np.isnan(percentile_interval(np.array([np.nan]), 0.95, 15)).all()


@pytest.mark.slow
@pytest.mark.parametrize("true_tau", [0.0, -0.4])
def test_coverage(true_tau):
    # 500 repetitions know the coverage to one percent; three of these on either side of 95.5 %.
    generator = np.random.default_rng(0)
    rho = np.sin(np.pi / 2 * true_tau)
    pairs = generator.multivariate_normal([0, 0], [[1, rho], [rho, 1]], size=(500, 50))
    intervals = (percentile_interval(resample_tau(x, y, 500, generator), 0.95, 50) for x, y in pairs.transpose(0, 2, 1))
    covered = np.mean([low <= true_tau <= high for low, high in intervals])
    assert 0.925 < covered < 0.985
