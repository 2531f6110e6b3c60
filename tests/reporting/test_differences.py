"""Differences of taus, and pools that are not independent."""

import math

import numpy as np
import pytest

from keras_sharpness.reporting.differences import compared, sharing
from keras_sharpness.reporting.sources import Pool
from keras_sharpness.statistics import compare_taus
from tests.reporting.fake_run import cloud


def pool(first_seed, num_models=20, noise=0, table=0):
    points = cloud(num_models, seed=table)
    points["test_loss"] += noise
    if first_seed is not None:
        points["seed"] = np.arange(first_seed, first_seed + num_models)
    return Pool(source="a", model="gat", points=points, settings={})


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (pool(0), pool(20), ""),
        (pool(0), pool(None), ""),
        (pool(None), pool(None), ""),
        (pool(0), pool(0), "20 networks are in both pools"),
        (pool(0), pool(0, noise=0.1), "20 networks are trained from the same seeds in both"),
        (pool(0), pool(19, noise=0.1), "1 network is trained from the same seeds in both"),
        (pool(0), pool(0, num_models=9, table=1), "9 networks are trained from the same seeds in both"),
    ],
)
def test_what_pools_share(a, b, words):
    assert sharing(a, b) == sharing(b, a) == words


def test_models_are_matched_by_seed_not_by_place():
    ours = pool(0)
    theirs = Pool(source="b", model="gat", points=ours.points.iloc[::-1], settings={})
    assert sharing(ours, theirs) == "20 networks are in both pools"


def test_independent_pools_have_an_interval():
    a, b = pool(0), pool(50, table=3)
    found, expected = compared(a, b), compare_taus(a.pairs, b.pairs)
    for name in ("difference", "ci_low", "ci_high", "p_value"):
        assert getattr(found, name) == getattr(expected, name)
    assert found.shared == ""


def test_dependent_pools_have_none():
    a, b = pool(0), pool(5, noise=0.1, table=3)
    found = compared(a, b)
    assert found.difference == pytest.approx(a.kendall.tau - b.kendall.tau)
    assert all(math.isnan(value) for value in (found.ci_low, found.ci_high, found.p_value))
    assert found.shared == "15 networks are trained from the same seeds in both"
