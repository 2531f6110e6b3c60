import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from tests.support.small_network import unflatten


@pytest.mark.parametrize(("layer", "place"), [("out", 2), (None, 2), ("sequential*", 2)])
def test_relative_flatness(small, flat, dense_hessian, layer, place):
    model = small[0]
    kernel = unflatten(flat, model)[place]
    start = sum(int(np.prod(v.shape)) for v in model.trainable_variables[:place])
    block = dense_hessian[start : start + kernel.size, start : start + kernel.size].reshape(kernel.shape * 2)
    expected = sum(
        kernel[:, s] @ kernel[:, t] * np.trace(block[:, s, :, t])
        for s in range(kernel.shape[1])
        for t in range(kernel.shape[1])
    )
    estimate = ks.relative_flatness(*small, layer=layer, num_products=400)
    assert abs(estimate.value - expected) < 4 * estimate.standard_error
    assert estimate.standard_error < 0.1 * abs(expected)


def test_relative_flatness_ignores_a_rescaling_of_layers():
    rng = np.random.default_rng(0)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, activation="relu", use_bias=False), keras.layers.Dense(1)]
    )
    x, y = rng.normal(size=(20, 3)).astype("float32"), rng.normal(size=(20, 1)).astype("float32")
    before = ks.relative_flatness(model, x, y, "mean_squared_error", seed=1).value
    kernel, out, bias = model.get_weights()
    model.set_weights([2 * kernel, out / 2, bias])
    assert ks.relative_flatness(model, x, y, "mean_squared_error", seed=1).value == pytest.approx(before, rel=1e-3)


def test_a_layer_without_a_kernel_is_refused(small):
    with pytest.raises(InputError, match="`layer` must have a kernel of two axes"):
        ks.relative_flatness(*small, layer="*/bias")
