import numpy as np
import pytest
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
    losses = climb(maximizer, quadratic, region, [ops.zeros((2, 2))]).losses
    np.testing.assert_array_equal(losses[0], losses[1])
    return losses[0]


def test_steps_by_hand():
    # From (0, 0): gradient (4, -2), a step of 0.1 to (0.4, -0.2), then (3.2, -1.6) to (0.72, -0.36).
    points = np.array([[0, 0], [0.4, -0.2], [0.72, -0.36]])
    np.testing.assert_allclose(path(PGA(num_steps=2, step_size=0.1)), -((points - TOP) ** 2).sum(axis=1), rtol=1e-5)


def test_ends_in_the_corner_of_the_box():
    losses = path(PGA(num_steps=3, step_size=10.0))
    np.testing.assert_allclose(losses, [-5, -1, -1, -1])


@pytest.mark.parametrize("settings", [{}, {"coordinates": "scaled"}, {"direction": "steepest"}], ids=str)
def test_more_steps_prolong_the_same_path(settings):
    short, long = (path(PGA(num_steps=n, step_size=0.1, **settings)) for n in (2, 4))
    np.testing.assert_allclose(long[:3], short, rtol=1e-6)
    assert len(long) == 5


@pytest.mark.parametrize(
    ("settings", "end"),
    [
        # One step of 0.1 from 0, with the gradient (4, -2) and scales (1, 2).
        ({}, [0.4, -0.2]),
        ({"coordinates": "scaled"}, [0.4, -0.8]),
        ({"direction": "steepest"}, [0.1, -0.2]),
    ],
    ids=str,
)
def test_one_step_by_hand_in_each_coordinates(settings, end):
    region = Ball(rho=1.0).around([ops.convert_to_tensor([1.0, -2.0])])
    rule = PGA(num_steps=1, step_size=0.1, **settings)
    state = rule.step(rule.start([ops.zeros(2)]), ops.zeros(()), [ops.convert_to_tensor([4.0, -2.0])], region)
    np.testing.assert_allclose(ops.convert_to_numpy(state["point"][0]), end, rtol=1e-6)


def test_automatic_steps_begin_on_the_boundary_and_become_shorter():
    # Steps of 2, 1.5, 1 and 0.5 along the signs of the gradient, clipped to the box; its corner is (1, -1).
    losses = path(PGA(num_steps=4, step_size="auto"))
    np.testing.assert_allclose(losses, [-5, -1, -1, -1, -1])
    # Inside the box the top is overrun ever less: from 0 to 1, -0.5, 0.5, 0 along an axis with the top at 0.1.
    region = Ball(rho=1.0, scaling="none").around([ops.zeros(1)])
    inner = climb(
        PGA(num_steps=4, step_size="auto"), lambda d: -ops.sum((d[0] - 0.1) ** 2), region, [ops.zeros((1, 1))]
    )
    np.testing.assert_allclose(inner.losses[0], [-0.01, -0.81, -0.36, -0.16, -0.01], rtol=1e-4)


def test_the_direction_follows_the_step_size():
    assert PGA().direction == "gradient" and PGA(step_size="auto").direction == "steepest"
    assert PGA(step_size="auto", direction="steepest") == PGA(step_size="auto")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_steps": 0}, "`num_steps` must be at least 1"),
        ({"step_size": 0.0}, "`step_size` must be finite and positive"),
        ({"step_size": float("nan")}, "`step_size` must be finite and positive"),
        ({"step_size": "fast"}, '`step_size` must be a number or "auto"'),
        ({"step_size": "auto", "direction": "gradient"}, '`direction` must be "steepest" with step_size="auto"'),
        ({"coordinates": "polar"}, "`coordinates` must be one of weights, scaled"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        PGA(**settings)
