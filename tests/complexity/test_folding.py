import keras
import numpy as np
import pytest
from keras import layers

from keras_sharpness.complexity.folding import fold, fresh_statistics, sites
from keras_sharpness.errors import InputError
from tests.support.complexity_models import convolutional, numpy_of, randomize


def sequential(shape, *steps):
    return keras.Sequential([keras.Input(shape), *steps])


def normalization(**options):
    return layers.BatchNormalization(name="bn", **options)


def test_which_layer_takes_a_normalization():
    model = convolutional()
    found = sites(model)
    conv, first, _, _, second, _, _, dense, last = model.layers
    assert [site.layer for site in found] == [conv, dense, last]
    assert [(site.before, site.after) for site in found] == [(None, first), (second, None), (None, None)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: sequential((5,), layers.Dense(4), normalization(scale=False), layers.Dense(2)),
        lambda: sequential((5,), layers.Dense(4, "relu"), normalization(center=False), layers.Dense(2)),
        lambda: sequential((8, 3), layers.DepthwiseConv1D(3, depth_multiplier=2), normalization()),
        lambda: sequential((8, 3), normalization(), layers.DepthwiseConv1D(3, depth_multiplier=2)),
        lambda: sequential((6, 6, 2), normalization(), layers.Conv2D(3, 3, strides=2), layers.ReLU()),
    ],
)
def test_a_folded_layer_computes_what_layer_and_normalization_do(make):
    model = randomize(make())
    x = np.random.default_rng(0).normal(size=(4, *model.input_shape[1:])).astype("float32")
    expected = model.predict(x, verbose=0)
    folded = [fold(site, numpy_of) for site in sites(model)]
    plain = make()
    for site, weights in zip(sites(plain), folded, strict=True):
        site.layer.kernel.assign(weights.kernel)
        site.layer.bias.assign(weights.bias)
    bn = plain.get_layer("bn")
    # The identity: mean 0, variance 1 - epsilon.
    bn.moving_variance.assign(np.full(bn.moving_variance.shape, 1 - bn.epsilon))
    np.testing.assert_allclose(plain.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-5)


def test_before_training_statistics_are_fresh():
    site = sites(convolutional())[0]
    fresh = fresh_statistics([site])
    folded = fold(site, lambda v: fresh.get(id(v), numpy_of(v)))
    gamma = numpy_of(site.after.gamma) / np.sqrt(1 + site.after.epsilon)
    np.testing.assert_allclose(folded.kernel, numpy_of(site.layer.kernel) * gamma, rtol=1e-6)
    np.testing.assert_allclose(folded.bias, numpy_of(site.layer.bias) * gamma + numpy_of(site.after.beta), rtol=1e-6)


class Custom(layers.Dense):
    def call(self, inputs):
        return super().call(inputs) ** 2


def shared_input():
    x = keras.Input((4,))
    hidden = layers.Dense(4)(x)
    return keras.Model(x, layers.Add()([normalization()(hidden), hidden]))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: sequential((5, 2), layers.LSTM(3, name="memory")), "layer 'memory' .LSTM"),
        (lambda: sequential((5,), layers.LayerNormalization(name="ln"), layers.Dense(2)), "layer 'ln'"),
        (lambda: sequential((5,), Custom(3, name="own")), "layer 'own' .Custom"),
        (lambda: sequential((5,), layers.Dense(3), layers.ReLU(), normalization()), "layer 'bn'"),
        (lambda: sequential((6, 6, 2), normalization(), layers.Conv2D(2, 3, padding="same")), "layer 'bn'"),
        (shared_input, "layer 'bn'"),
        (lambda: sequential((5,), layers.ReLU()), "a dense or convolutional layer"),
    ],
)
def test_what_cannot_be_folded_is_refused_by_name(make, named):
    with pytest.raises(InputError, match=named):
        sites(make())


def test_subclassed_models_are_refused():
    class Net(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(InputError, match="Sequential or functional"):
        sites(Net(name="net"))
