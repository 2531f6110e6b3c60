import math
from types import SimpleNamespace

import numpy as np
import pytest

from keras_sharpness.complexity import worst_case_bounds
from keras_sharpness.complexity.crossing import Crossing

W, MOVE = np.array([0.5, -1.0, 2.0]), np.array([0.1, 0.0, -0.3])
ALPHA, AWARE, EPSILON, DELTA = 0.02, 0.04, 1e-3, 0.01
TRAINED = SimpleNamespace(
    vector=W, displacement=MOVE, num_examples=100, radius=Crossing(ALPHA, 0.0), magnitude_radius=Crossing(AWARE, 0.0)
)


@pytest.mark.parametrize(("name", "vector"), [("sharpness_init", MOVE), ("sharpness_orig", W)])
def test_plain_bounds(name, vector):
    expected = np.sum(vector**2) * math.log(6) / (4 * ALPHA**2) + math.log(100 / ALPHA) + 10
    assert getattr(worst_case_bounds, name)(TRAINED).value == pytest.approx(expected)


@pytest.mark.parametrize(("name", "vector"), [("sharpness_mag_init", MOVE), ("sharpness_mag_orig", W)])
def test_magnitude_aware_bounds(name, vector):
    top = EPSILON**2 + (AWARE**2 + 4 * math.log(6 / DELTA)) * np.sum(vector**2) / 3
    total = sum(math.log(top / (EPSILON**2 + AWARE**2 * v**2)) for v in vector) / 4
    assert getattr(worst_case_bounds, name)(TRAINED).value == pytest.approx(total + math.log(100 / DELTA) + 10)


def test_flatness():
    assert worst_case_bounds.sharpness_flatness(TRAINED).value == pytest.approx(2500)
    assert worst_case_bounds.sharpness_mag_flatness(TRAINED).value == pytest.approx(625)
