import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from tests.support.small_network import loss_at


def test_keskar_sharpness(small, flat):
    model, x, y, _ = small
    epsilon = 1e-4
    r = ks.keskar_sharpness(*small, epsilon=epsilon)
    loss = loss_at(flat, model, x, y)
    gradient = ks.hessian.operator(*small).mean_loss.gradient()[1]
    corner = flat + epsilon * (np.abs(flat) + 1) * np.sign(gradient)
    assert r.value == pytest.approx(100 * (loss_at(corner, model, x, y) - loss) / (1 + loss), rel=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: ks.keskar_sharpness(*s, epsilon=-1.0), "`epsilon` must be finite and positive"),
        (lambda s: ks.keskar_sharpness(*s, m=3), "further arguments must be among .*examples"),
    ],
)
def test_bad_arguments_are_refused(small, call, message):
    with pytest.raises(InputError, match=message):
        call(small)
