import numpy as np
import pytest
from keras import ops

from keras_sharpness.errors import InputError
from keras_sharpness.perturbations import NORMS, Ball


@pytest.mark.parametrize("norm", NORMS)
def test_zero_weights_stay_put_and_are_no_nan(norm):
    region = Ball(rho=0.5, norm=norm).around([ops.convert_to_tensor([0.0, 2.0])])
    for project in (region.project, region.project_weights, region.steepest):
        np.testing.assert_allclose(
            ops.convert_to_numpy(project([ops.convert_to_tensor([3.0, 1e3])])[0]), [0, 1], rtol=1e-5
        )


@pytest.mark.parametrize("norm", NORMS)
def test_a_ball_of_radius_zero_is_a_point(norm):
    region = Ball(rho=0.0, norm=norm).around([ops.convert_to_tensor([1.0, 2.0])])
    for project in (region.project, region.project_weights, region.steepest):
        np.testing.assert_array_equal(ops.convert_to_numpy(project([ops.convert_to_tensor([3.0, -4.0])])[0]), [0, 0])


def test_masked_weights_stay_put():
    region = Ball(rho=1.0).around([ops.convert_to_tensor([1.0, 2.0])], mask=[ops.convert_to_tensor([1.0, 0.0])])
    np.testing.assert_array_equal(ops.convert_to_numpy(region.project([ops.convert_to_tensor([5.0, 5.0])])[0]), [1, 0])


@pytest.mark.parametrize("rho", [-1e-9, float("inf"), float("nan")])
def test_a_radius_that_is_none_is_refused(rho):
    with pytest.raises(InputError, match="`rho` must be finite and non-negative"):
        Ball(rho=rho)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"norm": "l7"}, "`norm` must be one of linf, l2, l1"),
        ({"scaling": "filter"}, "`scaling` must be one of adaptive, none, per_filter, per_layer"),
        ({"eta": -1.0}, "`eta` must be finite and non-negative"),
    ],
)
def test_unknown_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Ball(**settings)
