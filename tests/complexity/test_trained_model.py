import keras
import numpy as np
import pytest
from keras import layers

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from tests.support.complexity_models import convolutional, learned, numpy_of, perceptron, randomize, trained


def test_weights_of_any_kind_without_normalization():
    model = randomize(keras.Sequential([keras.Input((4, 2)), layers.SimpleRNN(3), layers.Dense(2)]))
    found = trained(learned(model))
    arrays = [numpy_of(v) for v in model.trainable_variables]
    np.testing.assert_array_equal(found.vector, np.concatenate([a.ravel() for a in arrays]))
    assert [kernel.shape for kernel in found.kernels] == [(2, 3), (3, 3), (3, 2)]
    moves = np.concatenate([(a - b).ravel() for a, b in zip(arrays, found.initial, strict=True)])
    np.testing.assert_allclose(found.displacement, moves)
    assert found.folded() is found.sample


def test_weights_are_folded_with_normalization():
    found = trained(learned(convolutional()))
    sizes = [layer.kernel.size + layer.bias.size for layer in found.layers]
    assert found.vector.size == found.displacement.size == sum(sizes) == 3 * 18 + 3 + 12 * 4 + 4 + 4 * 3 + 3
    np.testing.assert_array_equal(found.kernels[1], found.layers[1].kernel)


def test_the_margin_is_a_percentile_with_its_sign():
    right, wrong = (learned(perceptron(), 50, wrong=k) for k in (0, 20))
    assert trained(right).margin > 0 > trained(wrong).margin
    found = trained(wrong)
    assert np.mean(found.predictions.margins <= found.margin) == pytest.approx(0.1, abs=0.02)


def test_largest_input():
    sample = learned(convolutional())
    x = keras.ops.convert_to_numpy(sample.data.tensors[0])
    assert trained(sample).largest_input == pytest.approx(np.linalg.norm(x.reshape(len(x), -1), axis=1).max())


def test_initial_weights_must_fit():
    sample = learned(perceptron())
    with pytest.raises(InputError, match="an array for each trainable weight"):
        ks.complexity.TrainedModel(sample, [np.zeros((5, 4))])
    with pytest.raises(InputError, match="`initial` must be given"):
        _ = ks.complexity.TrainedModel(sample).displacement


def test_one_compiled_function_serves_all_members():
    model = perceptron()
    sample = learned(model)
    first = trained(sample).margin
    functions = dict(sample._functions)
    randomize(model, seed=9)
    assert trained(sample).margin != first
    assert sample._functions == functions
