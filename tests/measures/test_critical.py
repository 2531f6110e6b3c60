import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError

CURVATURES = np.array([1.0, 4.0, 9.0])


@pytest.fixture
def quadratic():
    """Returns (model, x, y, loss) with the loss sum_i curvature_i w_i^2 / 2, at w = (1, -1, 2)."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[1.0], [-1.0], [2.0]])])
    x = np.diag(np.sqrt(1.5 * CURVATURES)).astype("float32")
    return model, x, np.zeros((3, 1), "float32"), "mean_squared_error"


@pytest.mark.parametrize("first_rate", [1e-3, 0.1, 50.0])
def test_along_the_gradient_of_a_quadratic(quadratic, first_rate):
    gradient = CURVATURES * [1, -1, 2]
    expected = gradient @ (CURVATURES * gradient) / (gradient @ gradient)
    r = ks.critical_sharpness(*quadratic, first_rate=first_rate, tolerance=1e-4)
    assert r.value == pytest.approx(expected, rel=1e-3)
    assert r.critical_rate == pytest.approx(2 / r.value)
    assert 10 < r.evaluations < 60


@pytest.mark.parametrize(("axis", "update"), [(0, 0.5), (1, -3.0), (2, 1.0)])
def test_along_a_direction(quadratic, axis, update):
    """Along an axis the loss rises again at t = 2 w / update."""
    direction = np.zeros((3, 1))
    direction[axis] = update
    r = ks.critical_sharpness(*quadratic, direction=[direction], tolerance=1e-4)
    assert r.critical_rate == pytest.approx(2 * [1, -1, 2][axis] / update, rel=1e-3)


def test_scaled_coordinates_and_tolerance(quadratic):
    """The update is D times the gradient, once more scaled by D on its way to the weights."""
    weights = np.array([1, -1, 2])
    step = weights**2 * CURVATURES * weights
    expected = 2 * (CURVATURES * weights) @ step / (step @ (CURVATURES * step))
    rough, fine = (ks.critical_sharpness(*quadratic, scaling="adaptive", tolerance=t) for t in (0.5, 1e-4))
    assert fine.critical_rate == pytest.approx(expected, rel=1e-3)
    assert expected * 0.999 <= rough.critical_rate <= expected * 1.5
    assert rough.evaluations < fine.evaluations


def test_critical_sharpness_of_a_quadratic_is_the_curvature_along_the_gradient(small):
    r = ks.critical_sharpness(*small, select="out", tolerance=1e-3)  # quadratic in the last layer
    operator = ks.hessian.operator(*small, select="out")
    gradient = operator.mean_loss.gradient()[1]
    assert r.value == pytest.approx(gradient @ (operator @ gradient) / (gradient @ gradient), rel=5e-3)
    assert r.value <= ks.hessian.top_eigenvalues(*small, select="out").values[0] * 1.01
    assert r.critical_rate == pytest.approx(2 / r.value)


def test_critical_sharpness_without_a_minimum_along_the_way(small):
    with pytest.raises(InputError, match="the loss must fall for small steps"):
        model = small[0]
        ks.critical_sharpness(*small, direction=[np.zeros(v.shape) for v in model.trainable_variables])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"first_rate": 0.0}, "`first_rate` must be finite and positive"),
        ({"tolerance": 0.0}, "`tolerance` must be finite and positive"),
        ({"direction": [np.ones(2)]}, "`direction` must have the size of the weights that move"),
        ({"direction": [np.zeros(3)]}, "the loss must fall for small steps"),
        ({"direction": [-np.array([1.0, -1, 2])]}, "the loss must fall for small steps"),
        ({"m": 3}, "further arguments must be among examples"),
    ],
)
def test_bad_arguments_are_refused(quadratic, given, message):
    with pytest.raises(InputError, match=message):
        ks.critical_sharpness(*quadratic, **given)
