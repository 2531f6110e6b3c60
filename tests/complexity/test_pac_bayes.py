import math
from types import SimpleNamespace

import numpy as np
import pytest

from keras_sharpness.complexity import pac_bayes
from keras_sharpness.complexity.crossing import Crossing

W, MOVE = np.array([0.5, -1.0, 2.0]), np.array([0.1, 0.0, -0.3])
SIGMA, AWARE, EPSILON = 0.2, 0.4, 1e-3
TRAINED = SimpleNamespace(
    vector=W,
    displacement=MOVE,
    num_examples=100,
    deviation=Crossing(SIGMA, 0.01),
    magnitude_deviation=Crossing(AWARE, 0.0),
)


@pytest.mark.parametrize(("name", "vector"), [("pacbayes_init", MOVE), ("pacbayes_orig", W)])
def test_plain_bounds(name, vector):
    def bound(sigma):
        return np.sum(vector**2) / (4 * sigma**2) + math.log(100 / sigma) + 10

    found = getattr(pac_bayes, name)(TRAINED)
    assert found.value == pytest.approx(bound(SIGMA))
    slope = (bound(SIGMA * 1.0001) - bound(SIGMA)) / 1e-4
    assert found.standard_error == pytest.approx(abs(slope) * 0.01, rel=1e-2)


@pytest.mark.parametrize(("name", "vector"), [("pacbayes_mag_init", MOVE), ("pacbayes_mag_orig", W)])
def test_magnitude_aware_bounds(name, vector):
    top = EPSILON**2 + (AWARE**2 + 1) * np.sum(vector**2) / 3
    total = sum(math.log(top / (EPSILON**2 + AWARE**2 * v**2)) for v in vector) / 4
    assert getattr(pac_bayes, name)(TRAINED).value == pytest.approx(total + math.log(100 / AWARE) + 10)


def test_flatness():
    assert pac_bayes.pacbayes_flatness(TRAINED).value == pytest.approx(25)
    assert pac_bayes.pacbayes_mag_flatness(TRAINED) == (pytest.approx(6.25), 0.0)
    assert math.isnan(pac_bayes.flatness(Crossing(math.nan, math.nan)).value)
