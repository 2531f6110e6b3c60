import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.complexity.quality import quality_of
from keras_sharpness.errors import InputError
from tests.support.complexity_models import learned, linear_regression, perceptron


def test_accuracy_of_a_classifier():
    quality = quality_of(learned(perceptron()))
    np.testing.assert_array_equal(quality.fall(np.array([5.0]), np.array([0.25])), [0.25])


def test_r_squared_of_a_regression_ignores_units():
    sample, _, _, y = linear_regression(3)
    quality = quality_of(sample)
    np.testing.assert_allclose(quality.fall(np.array([5.0]), np.array([np.nan])), [5 / y.var()], rtol=1e-5)


@pytest.mark.parametrize(("loss", "constant"), [("mean_absolute_error", False), ("mean_squared_error", True)])
def test_what_has_neither_is_refused(loss, constant):
    sample, x, _, y = linear_regression(3)
    y = np.ones_like(y) if constant else y
    with pytest.raises(InputError, match=r"R\^2 to fall"):
        quality_of(ks.Sample(sample.model, x, y, loss))
