import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sharpness.statistics import pairs
from keras_sharpness.statistics.pairs import pair_sums, pair_sums_within


def by_hand(x, y):
    """Signs of all pairs, in n^2 time and memory."""
    signs_x, signs_y = (np.sign(v[:, None] - v[None, :]).astype(int) for v in (np.asarray(x), np.asarray(y)))
    return (signs_x * signs_y).sum(axis=1), abs(signs_x).sum(axis=1), abs(signs_y).sum(axis=1)


def same(sums, expected):
    for found, wanted in zip((sums.balance, sums.untied_x, sums.untied_y), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("decimals", [None, 1, 0])
@pytest.mark.parametrize("num_models", [3, 50, 511, 512, 513, 1500])
def test_every_count_is_that_of_all_pairs(num_models, decimals):
    x, y = np.random.default_rng(num_models).normal(size=(2, num_models))
    y = y - 0.5 * x
    if decimals is not None:
        x, y = np.round(x, decimals), np.round(y, decimals)
    sums = pair_sums(x, y)
    same(sums, by_hand(x, y))
    assert sums.tau == pytest.approx(scipy.stats.kendalltau(x, y).statistic, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("num_models", [20, pairs.MOST_AT_ONCE + 1])
def test_rows_at_once_are_each_by_itself(num_models, monkeypatch):
    monkeypatch.setattr(pairs, "BLOCK_ELEMENTS", 3 * num_models**2)
    x, y = np.random.default_rng(0).integers(0, 8, size=(2, 7, num_models)) / 8
    x[4] = 1.0
    expected = [scipy.stats.kendalltau(*rows).statistic for rows in zip(x, y, strict=True)]
    np.testing.assert_allclose(pairs.taus_of_rows(x, y), expected, rtol=1e-14)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=20))
def test_any_ties(pairs):
    x, y = np.array(pairs).T
    same(pair_sums(x, y), by_hand(x, y))


def test_within_groups_and_between_them():
    rng = np.random.default_rng(0)
    x, y, groups = rng.integers(9, size=(3, 200))
    within = pair_sums_within(x, y, [f"group {g}" for g in groups])
    apart = groups[:, None] != groups[None, :]
    signs = np.sign(x[:, None] - x[None, :]) * np.sign(y[:, None] - y[None, :])
    np.testing.assert_array_equal(within.balance, np.where(apart, 0, signs).sum(axis=1))
    np.testing.assert_array_equal((pair_sums(x, y) - within).balance, np.where(apart, signs, 0).sum(axis=1))


def test_values_closer_than_float32_are_not_tied():
    x = 1 + 1e-12 * np.arange(10)
    assert pair_sums(x, x).tau == 1


def test_no_pair_that_differs_has_no_tau():
    assert np.isnan(pair_sums([1, 1], [1, 2]).tau)
