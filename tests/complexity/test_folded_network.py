import itertools

import keras
import numpy as np
import pytest
from keras import layers

import keras_sharpness as ks
from keras_sharpness.complexity.folded_network import folded_sample, path_norm
from keras_sharpness.complexity.folding import fold, sites
from tests.support.complexity_models import convolutional, learned, numpy_of, perceptron, randomize


def path_norm_of(model):
    found = sites(model)
    return path_norm(model, found, [fold(site, numpy_of) for site in found])


def nested():
    inner = keras.Sequential([keras.Input((6, 6, 4)), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization()])
    x = keras.Input((6, 6, 2))
    y = layers.Conv2D(4, 3, padding="same")(layers.Normalization(mean=0.5, variance=4.0)(x))
    y = layers.Dropout(0.5)(layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(y))))
    y = layers.ReLU()(layers.Add()([y, keras.ops.pad(inner(y), ((0, 0), (0, 0), (0, 0), (0, 0)))]))
    return randomize(keras.Model(x, layers.Dense(3, "tanh")(layers.GlobalAveragePooling2D()(y))))


@pytest.mark.parametrize("make", [convolutional, nested])
def test_the_folded_network_computes_the_same(make):
    model = make()
    sample = learned(model)
    found = sites(model)
    other = folded_sample(sample, [fold(site, numpy_of) for site in found])
    assert not any(isinstance(layer, layers.BatchNormalization) for layer in other.model.layers)
    x = keras.ops.convert_to_numpy(sample.data.tensors[0])
    np.testing.assert_allclose(other.model.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)
    assert ks.gradient_norm(other) > 0

    # The next member of a pool takes the same network.
    randomize(model, seed=3)
    again = folded_sample(sample, [fold(site, numpy_of) for site in found])
    assert again is other
    np.testing.assert_allclose(again.model.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


def test_without_normalization_the_sample_stays():
    sample = learned(perceptron())
    assert folded_sample(sample, []) is sample


def test_making_it_draws_no_random_numbers():
    import random

    sample = learned(convolutional())
    before, keras_seed = random.getstate(), keras.random.uniform((1,), seed=keras.random.SeedGenerator(1))
    path_norm_of(sample.model)
    folded_sample(sample, [fold(site, numpy_of) for site in sites(sample.model)])
    assert random.getstate() == before
    assert float(keras.random.uniform((1,), seed=keras.random.SeedGenerator(1))[0]) == float(keras_seed[0])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_path_norm_is_the_sum_over_all_paths(activation):
    model = perceptron((3, 4, 2), 3, activation)
    (first, b1), (second, b2), (third, b3) = ([numpy_of(v) ** 2 for v in layer.weights] for layer in model.layers)
    paths = itertools.product(range(3), range(3), range(4), range(2))
    total = sum(first[i, j] * second[j, k] * third[k, o] for i, j, k, o in paths)
    total += sum(b1[j] * second[j, k] * third[k, o] for j, k, o in itertools.product(range(3), range(4), range(2)))
    total += sum(b2[k] * third[k, o] for k, o in itertools.product(range(4), range(2))) + b3.sum()
    assert path_norm_of(model) == pytest.approx(total, rel=1e-5)


def test_path_norm_of_a_convolution_counts_its_places():
    model = randomize(keras.Sequential([keras.Input((5, 4, 2)), layers.Conv2D(3, 2), layers.ReLU(), layers.Flatten()]))
    kernel, bias = (numpy_of(v) ** 2 for v in model.weights)
    assert path_norm_of(model) == pytest.approx(4 * 3 * (kernel.sum() + bias.sum()), rel=1e-5)


def test_path_norm_folds_normalization():
    model = randomize(
        keras.Sequential([keras.Input((3,)), layers.Dense(2, use_bias=False), layers.BatchNormalization()])
    )
    bn = model.layers[1]
    scale = numpy_of(bn.gamma) / np.sqrt(numpy_of(bn.moving_variance) + bn.epsilon)
    kernel, bias = numpy_of(model.layers[0].kernel) * scale, numpy_of(bn.beta) - numpy_of(bn.moving_mean) * scale
    assert path_norm_of(model) == pytest.approx(np.sum(kernel**2) + np.sum(bias**2), rel=1e-5)


def test_the_model_is_as_it_was():
    model = convolutional()
    steps = [len(layer._inbound_nodes) for layer in model.layers]
    before = [numpy_of(v) for v in model.weights]
    path_norm_of(model)
    assert [len(layer._inbound_nodes) for layer in model.layers] == steps
    for old, variable in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(numpy_of(variable), old)
