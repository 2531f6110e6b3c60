"""Numbers and titles as text."""

import math

import pytest

from keras_sharpness.reporting import wording
from keras_sharpness.statistics import Kendall

KENDALL = Kendall(tau=-0.185, p_value=0.0576, ci_low=-0.36, ci_high=0.002, num_models=50)


def test_a_correlation_in_one_line():
    assert wording.describe(KENDALL) == "tau = -0.185 [-0.360, 0.002], p = 0.058, 50 models"
    assert wording.typeset(wording.describe(KENDALL)) == "τ = −0.185 [−0.360, 0.002], p = 0.058, 50 models"
    assert wording.describe(None) == "tau is undefined"


@pytest.mark.parametrize(
    ("value", "text"),
    [(3e-9, "< 0.0001"), (0.00014, "0.00014"), (0.0576, "0.058"), (1.0, "1"), (math.nan, "undefined")],
)
def test_p_values(value, text):
    assert wording.p_value(value) == text


def test_p_values_in_a_sentence():
    assert wording.p_equals(3e-9) == "p < 0.0001"
    assert wording.p_equals(0.0014) == "p = 0.0014"


@pytest.mark.parametrize("value", [None, math.nan])
def test_what_is_not_a_number_is_undefined(value):
    assert wording.number(value) == wording.p_value(value) == "undefined"
    assert wording.interval(value, 0.1) == wording.interval(0.1, value) == "no interval"


def test_a_pool_too_small_for_an_interval():
    small = Kendall(tau=-0.185, p_value=0.0576, ci_low=math.nan, ci_high=math.nan, num_models=9)
    assert wording.describe(small) == "tau = -0.185, p = 0.058, 9 models"


def test_numbers():
    assert wording.number(-0.2) == "-0.200"
    assert wording.interval(-0.4, -0.05) == "[-0.400, -0.050]"
    assert wording.quantity(0.123456) == "0.1235"


def test_titles():
    assert wording.title("gat") == "GAT on Cora" and wording.title("mlp") == "mlp"
    assert wording.heading("gat", "sharpness") == "GAT on Cora: sharpness"
