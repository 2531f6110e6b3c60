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


def test_the_first_layer_by_name_and_from_a_sample(small):
    name = small[0].layers[0].name
    named = ks.relative_flatness(*small, layer=name, num_products=3, seed=4)
    last = ks.relative_flatness(*small, num_products=3, seed=4)
    assert (named.samples != last.samples).all()
    again = ks.relative_flatness(ks.Sample(*small, m=2), layer=name, num_products=3, seed=4)
    np.testing.assert_allclose(again.samples, named.samples, rtol=1e-5)
    assert named.standard_error == pytest.approx(named.samples.std(ddof=1) / np.sqrt(3))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layer": "*/bias"}, "`layer` must have a kernel of two axes"),
        ({"num_products": 0}, "`num_products` must be at least 1"),
        ({"seed": -1}, "`seed` must be"),
        ({"select": "out"}, "further arguments must be among examples"),
    ],
)
def test_bad_arguments_are_refused(small, given, message):
    with pytest.raises(InputError, match=message):
        ks.relative_flatness(*small, **given)
