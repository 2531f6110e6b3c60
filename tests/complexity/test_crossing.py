import math

import numpy as np
import pytest

from keras_sharpness.complexity.crossing import Crossing, find_crossing

SPREAD = np.array([0.7, 1.1, 1.4, 0.8])


@pytest.mark.parametrize("start", [1e-4, 0.3, 1e3])
@pytest.mark.parametrize("root", [2e-3, 0.5, 70.0])
def test_a_known_crossing_is_found_from_afar(start, root):
    tried = []
    found = find_crossing(lambda r: tried.append(r) or 0.1 * SPREAD * (r / root) ** 2, 0.1, start)
    assert len(tried) <= 12
    assert found.radius == pytest.approx(root, rel=0.01)
    # The mean grows as the square, so that log r moves half as far as the logarithm of the mean.
    assert found.log_error == pytest.approx(SPREAD.std(ddof=1) / math.sqrt(4) / 2, rel=0.2)


def test_what_is_no_number_has_fallen():
    assert find_crossing(lambda r: np.array([r if r < 0.5 else np.nan, 0.0]), 0.1, 1e-3).radius == pytest.approx(
        0.2, rel=0.01
    )


@pytest.mark.parametrize("fall", [0.0, 0.2])
def test_no_crossing_is_not_a_number_after_few_evaluations(fall):
    tried = []
    found = find_crossing(lambda r: tried.append(r) or np.full(3, fall), 0.1, 1.0)
    assert math.isnan(found.radius) and len(tried) < 10 and (max(tried) > 1e9 or min(tried) < 1e-9)


def test_the_error_of_a_function_of_the_radius():
    value, error = Crossing(0.5, 0.01).through(lambda r: 1 / r**2)
    assert (value, error) == (4.0, pytest.approx(4 * 2 * 0.01, rel=1e-3))
    assert all(map(math.isnan, Crossing(math.nan, math.nan).through(lambda r: 1 / r)))
