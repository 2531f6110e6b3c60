"""What was found, in sentences."""

import pytest

from keras_sharpness.reporting.findings import verdict, verdicts
from keras_sharpness.reporting.published import PUBLISHED
from keras_sharpness.reporting.sources import read_groups
from keras_sharpness.statistics import Kendall
from tests.reporting.fake_run import cloud, make_models


def result(tau, low, high):
    return Kendall(tau=tau, p_value=0.01, ci_low=low, ci_high=high, num_models=50)


@pytest.mark.parametrize(
    ("kendall", "words"),
    [
        (result(-0.3, -0.45, -0.1), ["Sharper models had lower test loss", "excludes 0", "the same sign", "inside"]),
        (result(-0.6, -0.7, -0.4), ["lower test loss", "the same sign", "outside"]),
        (result(0.3, 0.1, 0.5), ["Sharper models had higher test loss", "the opposite sign", "outside"]),
        (result(-0.1, -0.3, 0.1), ["No clear relation", "includes 0", "the same sign", "inside"]),
    ],
)
def test_verdict(kendall, words):
    sentence = verdict(kendall, PUBLISHED["gat"])
    assert all(word in sentence for word in words)
    assert sentence.endswith(".")


def test_undefined_tau_and_a_model_that_the_paper_does_not_have():
    assert verdict(None, PUBLISHED["gat"]).startswith("Kendall's tau is undefined")
    assert "paper" not in verdict(result(-0.3, -0.45, -0.1), None)


@pytest.mark.parametrize(
    ("sign", "reference", "words"),
    [
        (1, cloud(100, seed=1), ["higher test loss", "The sign holds", "do not clearly differ"]),
        (-1, cloud(100, seed=1), ["lower test loss", "The sign is reversed", "The taus differ"]),
        (0, cloud(100, seed=1), ["No clear relation", "Whether the sign holds is open", "The taus differ"]),
        (1, cloud(100, sign=0), ["The sign", "an interval that includes 0", "The taus differ"]),
        (1, cloud(3, sign=30), ["The sign holds", "too small to tell"]),
    ],
)
def test_verdicts(make_csv, sign, reference, words):
    runs = [make_csv("ours.csv", cloud(100, sign=sign))]
    (line,) = verdicts(read_groups(runs, make_csv("theirs.csv", reference))["models"])
    assert all(word in line for word in words), line
    assert "nan" not in line


def test_pools_of_the_same_networks_are_compared_in_pairs(make_gat):
    other = make_models().assign(sharpness=lambda table: table["sharpness"] + 0.05 * table["test_error"])
    (line,) = verdicts(read_groups([make_gat("a")], make_gat("b", models=other))["gat"])
    assert line.endswith(", on 50 networks in both pools.") and "The taus do not clearly differ: " in line


def test_pools_that_share_few_networks_are_not_compared(make_csv):
    runs = [make_csv(f"{first}.csv", cloud(20, seed=first).assign(seed=range(first, first + 20))) for first in (0, 11)]
    (line,) = verdicts(read_groups(runs[:1], runs[1])["models"])
    assert line.endswith(
        "not compared: the pools are not independent, and 9 networks trained from the same seeds are too few."
    )
