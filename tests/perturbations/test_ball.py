import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops

from keras_sharpness.errors import InputError
from keras_sharpness.perturbations import Ball

VECTORS = arrays(np.float32, 5, elements=st.floats(-10, 10, width=32))


def project(ball, delta, weights):
    weights = [ops.convert_to_tensor(weights)]
    return ops.convert_to_numpy(ball.project([ops.convert_to_tensor(delta)], ball.scale(weights))[0])


@settings(deadline=None)
@given(delta=VECTORS, other=VECTORS, weights=VECTORS, rho=st.floats(0, 2))
@pytest.mark.parametrize("scaling", ["adaptive", "none"])
def test_the_projection_is_the_nearest_point_of_the_ball(delta, other, weights, rho, scaling):
    ball = Ball(rho=rho, scaling=scaling)
    scale = np.abs(weights) if scaling == "adaptive" else np.ones(5)
    projected = project(ball, delta, weights)
    assert (np.abs(projected) <= rho * scale + 1e-6).all()
    np.testing.assert_array_equal(project(ball, projected, weights), projected)
    # No other point of the ball is nearer, and points do not move apart.
    inside = project(ball, other, weights)
    assert np.linalg.norm(delta - projected) <= np.linalg.norm(delta - inside) + 1e-5
    assert np.linalg.norm(projected - inside) <= np.linalg.norm(delta - other) + 1e-5


def test_zero_weights_stay_put():
    np.testing.assert_array_equal(project(Ball(rho=0.5), np.ones(2, "float32"), np.array([0, 2], "float32")), [0, 1])


@pytest.mark.parametrize("rho", [-1e-9, float("inf"), float("nan")])
def test_a_radius_that_is_none_is_refused(rho):
    with pytest.raises(InputError, match="`rho` must be finite and non-negative"):
        Ball(rho=rho)
