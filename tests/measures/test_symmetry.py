import keras
import numpy as np
import pytest
import scipy.sparse.linalg
from keras import layers

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from keras_sharpness.measures.symmetry import check_symmetry

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 4, 4, 2)).astype("float32"), RNG.normal(size=(20, 1)).astype("float32")


class Mine(layers.Dense):
    """A layer of a user's."""


def upsampling(interpolation):
    keras.utils.set_random_seed(0)
    convolutions = [layers.Conv2D(filters, 3, padding="same", activation="tanh") for filters in (3, 2)]
    grown = layers.UpSampling2D(2, interpolation=interpolation, name="grown")
    ends = [layers.GlobalAveragePooling2D(), layers.Dense(1)]
    return keras.Sequential([keras.Input((4, 4, 2)), convolutions[0], grown, convolutions[1], *ends])


def test_a_matrix_that_is_not_symmetric_is_announced(caplog):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2), Mine(1, name="mine")])
    matrix = RNG.normal(size=(9, 9))
    check_symmetry(scipy.sparse.linalg.aslinearoperator(matrix + matrix.T), model)
    assert not caplog.messages
    check_symmetry(scipy.sparse.linalg.aslinearoperator(matrix + matrix.T + 0.01 * matrix), model)
    (line,) = caplog.messages
    assert "the matrix is not symmetric" in line
    assert 'perhaps of mine; derivatives="differences" does without it' in line


@pytest.mark.parametrize("kind", ["hessian", "ggn", "fisher"])
def test_differences_are_right_where_second_derivatives_are_wrong(caplog, kind):
    """TensorFlow's second derivative of a bilinear resize is wrong."""
    model, of = upsampling("bilinear"), (X, Y, "mean_squared_error")
    matrix = ks.hessian.operator(model, *of, kind=kind, derivatives="differences")
    assert not caplog.messages
    v = RNG.normal(size=matrix.shape[0])
    exact = ks.hessian.operator(model, *of, kind=kind)
    if keras.config.backend() == "tensorflow":
        (line,) = caplog.messages
        assert "the matrix is not symmetric" in line
        assert "perhaps of grown" in line
        loss, step = exact.mean_loss, 1e-2 * v / np.linalg.norm(v)
        second = (loss.loss(step) - 2 * loss.loss(0 * v) + loss.loss(-step)) / np.linalg.norm(step) ** 2
        if kind == "hessian":
            assert v @ (matrix @ v) == pytest.approx(second * (v @ v), rel=0.05)
    else:
        assert not caplog.messages
        np.testing.assert_allclose(matrix @ v, exact @ v, atol=5e-3 * np.linalg.norm(exact @ v))


def test_operations_without_a_second_derivative_are_named():
    model, of = upsampling("bicubic"), (X, Y, "mean_squared_error")
    found = ks.hessian.trace(model, *of, derivatives="differences", num_products=3).value
    if keras.config.backend() == "tensorflow":
        with pytest.raises(InputError, match="must have a second derivative.*Received: .*ResizeBicubicGrad"):
            ks.hessian.trace(model, *of)
    else:
        assert found == pytest.approx(ks.hessian.trace(model, *of, num_products=3).value, rel=1e-2)


def test_another_way_is_refused():
    with pytest.raises(InputError, match="`derivatives` must be one of exact, differences"):
        ks.hessian.trace(upsampling("nearest"), X, Y, "mean_squared_error", derivatives="forward")
