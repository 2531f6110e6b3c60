import math

import pytest

from keras_sharpness.complexity.counts import num_params, vc_bound
from tests.support.complexity_models import convolutional, learned, perceptron, trained


def test_counts_of_a_perceptron():
    found = trained(learned(perceptron()))
    assert num_params(found) == 5 * 4 + 4 + 4 * 3 + 3
    expected = (4000 * math.sqrt(2 * math.log2(12) ** 3 * 32) + math.sqrt(math.log(100))) ** 2
    assert vc_bound(found) == pytest.approx(expected)


def test_counts_of_a_convolution():
    found = trained(learned(convolutional()))
    assert num_params(found) == 57 + 52 + 15
    expected = (4000 * math.sqrt(3 * math.log2(6 * 3 * 6) ** 3 * (54 + 48 + 12)) + math.sqrt(math.log(100))) ** 2
    assert vc_bound(found) == pytest.approx(expected)
