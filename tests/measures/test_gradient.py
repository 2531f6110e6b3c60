import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError


@pytest.mark.parametrize(("norm", "order"), [("linf", 1), ("l2", 2), ("l1", np.inf)])
def test_gradient_norm(small, flat, gradients, norm, order):
    mean = gradients.mean(axis=0)
    assert ks.gradient_norm(*small, norm=norm) == pytest.approx(np.linalg.norm(mean, order), rel=1e-4)
    adaptive = ks.gradient_norm(*small, norm=norm, scaling="adaptive")
    assert adaptive == pytest.approx(np.linalg.norm(np.abs(flat) * mean, order), rel=1e-4)
    # rho times it is the sharpness of a small ball.
    r = ks.worst_case_sharpness(*small, rho=1e-4, norm=norm, maximizer=ks.SingleStep(), m=None)
    assert r.value == pytest.approx(1e-4 * adaptive, rel=0.05)


def test_an_unknown_norm_is_refused(small):
    with pytest.raises(InputError, match="`norm` must be one of linf, l2, l1"):
        ks.gradient_norm(*small, norm="l3")


def test_batches_are_not_its_business(small):
    with pytest.raises(InputError, match="further arguments must be among examples"):
        ks.gradient_norm(*small, m=3)
