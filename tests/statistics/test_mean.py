import numpy as np
import pytest
import scipy.stats

from keras_sharpness.statistics import standard_error


def test_equals_scipy():
    values = np.random.default_rng(0).normal(size=17)
    assert standard_error(values) == pytest.approx(scipy.stats.sem(values), rel=1e-14)


def test_is_the_spread_of_means():
    draws = np.random.default_rng(1).normal(size=(4000, 20))
    assert np.mean([standard_error(row) for row in draws]) == pytest.approx(draws.mean(axis=1).std(), rel=0.05)


def test_a_single_value_has_none():
    assert np.isnan(standard_error([3.0]))


def test_float32_values_far_from_zero_keep_their_spread():
    values = np.array([1e4, 1e4 + 0.001953125] * 500, np.float32)
    assert standard_error(values) == pytest.approx(scipy.stats.sem(values.astype(float)), rel=1e-12)
