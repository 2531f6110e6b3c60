"""A small regression network whose Hessian is also made densely, row by row."""

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from tests.support.small_network import loss_at


@pytest.fixture(scope="module")
def small():
    """Returns (model, x, y, loss) of a 3-4-2 tanh network with 26 weights."""
    rng = np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(2, name="out")]
    )
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    x, y = rng.normal(size=(20, 3)).astype("float32"), rng.normal(size=(20, 2)).astype("float32")
    return model, x, y, "mean_squared_error"


@pytest.fixture(scope="module")
def flat(small):
    """Returns the weights as one float64 vector."""
    return np.concatenate([_numpy(variable) for variable in small[0].trainable_variables])


def _numpy(variable):
    return keras.ops.convert_to_numpy(variable.value).astype(np.float64).ravel()


@pytest.fixture(scope="module")
def dense_hessian(small, flat):
    """Returns the Hessian by central differences of the float64 loss."""
    model, x, y, _ = small
    step, size = 1e-4, len(flat)
    eye = step * np.eye(size)
    loss = lambda move: loss_at(flat + move, model, x, y)  # noqa: E731
    hessian = np.zeros((size, size))
    for i in range(size):
        for j in range(i, size):
            corners = loss(eye[i] + eye[j]) - loss(eye[i] - eye[j]) - loss(eye[j] - eye[i]) + loss(-eye[i] - eye[j])
            hessian[i, j] = hessian[j, i] = corners / (4 * step**2)
    return hessian


@pytest.fixture(scope="module")
def operator(small):
    return ks.hessian.operator(*small)


@pytest.fixture(scope="module")
def gradients(small, flat):
    """The gradient of each example's loss, by central differences in float64."""
    model, x, y, _ = small
    steps = 1e-5 * np.eye(len(flat))

    def gradient(k):
        one = x[k : k + 1], y[k : k + 1]
        return [(loss_at(flat + e, model, *one) - loss_at(flat - e, model, *one)) / 2e-5 for e in steps]

    return np.array([gradient(k) for k in range(len(x))])
