"""Differences of taus, and pools that are not independent."""

import dataclasses
import math

import numpy as np
import pytest

from keras_sharpness.reporting.differences import compared, shared_rows
from keras_sharpness.reporting.sources import Pool
from keras_sharpness.statistics import compare_paired_taus, compare_taus
from tests.reporting.fake_run import cloud


def pool(first_seed, num_models=20, noise=0, table=0):
    points = cloud(num_models, seed=table)
    points["test_loss"] += noise
    if first_seed is not None:
        points["seed"] = np.arange(first_seed, first_seed + num_models)
    return Pool(source="a", model="gat", points=points, settings={})


@pytest.mark.parametrize(
    ("a", "b", "basis"),
    [
        (pool(0), pool(20), "independent pools"),
        (pool(0), pool(None), "independent pools"),
        (pool(None), pool(None), "independent pools"),
        (pool(0), pool(0), "20 networks in both pools"),
        (pool(0), pool(0, noise=0.1), "20 networks trained from the same seeds"),
        (pool(0), pool(19, noise=0.1), "1 network trained from the same seeds"),
        (pool(0), pool(0, num_models=9, table=1), "9 networks trained from the same seeds"),
    ],
)
def test_what_pools_share(a, b, basis):
    assert compared(a, b).basis == compared(b, a).basis == basis


def test_models_are_matched_by_seed_not_by_place():
    ours, theirs = pool(0), pool(5)
    theirs.points["test_loss"] = ours.points["test_loss"].to_numpy()[::-1]
    turned = dataclasses.replace(theirs, points=theirs.points.iloc[::-1])
    rows, others = shared_rows(ours, turned)
    assert list(ours.seeds[rows]) == list(turned.seeds[others]) == list(range(5, 20))
    assert compared(ours, turned).p_value == pytest.approx(compared(ours, theirs).p_value)


def test_independent_pools_are_compared_as_such():
    a, b = pool(0), pool(50, table=3)
    assert_equal(compared(a, b), compare_taus(a.pairs, b.pairs))


def test_dependent_pools_are_compared_in_pairs_of_networks():
    a, b = pool(0), pool(5, noise=0.1, table=3)
    x, y = a.pairs, b.pairs
    paired = compare_paired_taus((x[0][5:], x[1][5:]), (y[0][:15], y[1][:15]))
    assert_equal(compared(a, b), paired)
    independent = compare_taus(x, y)
    assert compared(a, b).p_value != pytest.approx(independent.p_value)


def test_pools_that_share_few_networks_have_no_interval():
    a, b = pool(0), pool(6, noise=0.1, table=3)
    found = compared(a, b)
    assert found.difference == pytest.approx(a.kendall.tau - b.kendall.tau)
    assert all(math.isnan(value) for value in (found.ci_low, found.ci_high, found.p_value))


def assert_equal(found, expected):
    for name in ("difference", "ci_low", "ci_high", "p_value"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name))
