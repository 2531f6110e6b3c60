import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError


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
    ("call", "message"),
    [
        (lambda s: ks.critical_sharpness(*s, first_rate=0.0), "`first_rate` must be finite and positive"),
    ],
)
def test_bad_arguments_are_refused(small, call, message):
    with pytest.raises(InputError, match=message):
        call(small)
