import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_sharpness.errors import InputError
from keras_sharpness.maximizers import PGA
from keras_sharpness.perturbations import Ball
from tests.support.climbing import climb

# A quadratic with its top at (2, -1), outside the box |delta| <= 1.
TOP = np.array([2.0, -1.0], "float32")


def quadratic(delta):
    return -ops.sum((delta[0] - ops.convert_to_tensor(TOP)) ** 2)


def path(maximizer):
    """Climbs inside the box |delta| <= 1 twice at once."""
    region = Ball(rho=1.0, scaling="none").around([ops.zeros(2)])
    losses = climb(maximizer, quadratic, region, [ops.zeros((2, 2))])[0][..., 0]
    np.testing.assert_array_equal(losses[0], losses[1])
    return losses[0]


def test_steps_by_hand():
    # From (0, 0): gradient (4, -2), a step of 0.1 to (0.4, -0.2), then (3.2, -1.6) to (0.72, -0.36).
    points = np.array([[0, 0], [0.4, -0.2], [0.72, -0.36]])
    np.testing.assert_allclose(path(PGA(num_steps=2, step_size=0.1)), -((points - TOP) ** 2).sum(axis=1), rtol=1e-5)


def test_ends_in_the_corner_of_the_box():
    losses = path(PGA(num_steps=3, step_size=10.0))
    np.testing.assert_allclose(losses, [-5, -1, -1, -1])


@settings(deadline=None, max_examples=20)
@given(steps=st.integers(1, 6), step_size=st.floats(0.01, 0.5))
def test_more_steps_prolong_the_same_path(steps, step_size):
    short, long = (path(PGA(num_steps=n, step_size=step_size)) for n in (steps, steps + 2))
    np.testing.assert_allclose(long[: steps + 1], short, rtol=1e-5, atol=1e-6)
    assert len(long) == steps + 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_steps": 0}, "`num_steps` must be at least 1"),
        ({"step_size": 0.0}, "`step_size` must be finite and positive"),
        ({"step_size": float("nan")}, "`step_size` must be finite and positive"),
        ({"coordinates": "polar"}, "`coordinates` must be one of weights, scaled"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        PGA(**settings)
