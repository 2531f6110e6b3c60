import math

import numpy as np
import pytest

from keras_sharpness.complexity import margin_measures
from tests.support.complexity_models import learned, perceptron, trained


def test_a_confident_network():
    found = trained(learned(perceptron(), 50))
    gamma = np.percentile(found.predictions.margins, 10)
    assert margin_measures.inverse_margin(found) == pytest.approx(1 / gamma**2)
    assert margin_measures.negative_margin(found) == pytest.approx(-gamma)
    assert margin_measures.cross_entropy(found) == found.predictions.loss > 0
    assert -math.log(3) <= margin_measures.negative_entropy(found) < 0


def test_a_network_that_is_wrong_has_no_finite_bound():
    found = trained(learned(perceptron(), 50, wrong=20))
    assert margin_measures.inverse_margin(found) == math.inf
    assert margin_measures.negative_margin(found) > 0
