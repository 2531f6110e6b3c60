"""Lines and planes through several models, whose batch statistics go along."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_sharpness as ks
from keras_sharpness.measures.other_models import axis_to, orthonormal


def network(seed, units=4):
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(units, activation="tanh"), keras.layers.BatchNormalization(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("sgd", "mean_squared_error")
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def models():
    return [network(seed) for seed in range(3)]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(32, 3)).astype("float32"), rng.normal(size=(32, 1)).astype("float32")


@pytest.fixture(scope="module")
def loss_of(data):
    """The loss of any weights, by one model for all."""
    model = network(3)

    def evaluate(weights):
        model.set_weights(weights)
        return model.evaluate(*data, verbose=0)

    return evaluate


def test_each_model_has_its_own_statistics_and_between_they_are_interpolated(models, data, loss_of):
    a, b, _ = (model.get_weights() for model in models)
    line = ks.landscape.line(models[0], *data, direction=models[1], span=(-0.5, 1), num_points=4)
    expected = [loss_of([v + k * (w - v) for v, w in zip(a, b, strict=True)]) for k in (-0.5, 0, 0.5, 1)]
    np.testing.assert_allclose(line.losses, expected, rtol=1e-5)
    assert line.label == f"to {models[1].name}"


def test_a_plane_through_three_models_holds_all_three(models, data, loss_of):
    plane = ks.landscape.plane(models[0], *data, directions=models[1:], num_points=2)
    names = [f"{model.name} ({k})" for k, model in enumerate(models, 1)]
    assert [*plane.shown] == names
    assert max(placed.error for placed in plane.shown.values()) < 1e-6
    coordinates = np.concatenate([placed.coordinates for placed in plane.shown.values()])
    vectors = [np.concatenate([v.ravel() for v in map(ops.convert_to_numpy, m.trainable_variables)]) for m in models]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        distance = np.linalg.norm(vectors[i] - vectors[j])
        assert np.linalg.norm(coordinates[i] - coordinates[j]) == pytest.approx(distance, rel=1e-5)
    for model, (first, second) in zip(models[1:], coordinates[1:], strict=True):
        span = ((first - 1, first), (second - 1, second))
        corner = ks.landscape.plane(models[0], *data, directions=models[1:], num_points=2, span=span).losses[1, 1]
        assert corner == pytest.approx(loss_of(model.get_weights()), rel=1e-4)


def test_only_selected_weights_go(models, data):
    sample = ks.Sample(models[0], *data, m=None, select="dense*")
    moved = [ops.convert_to_numpy(v).any() for v in axis_to(models[1], sample).vector]
    assert moved == ["dense" in v.path for v in models[0].trainable_variables]


def test_models_that_do_not_fit_are_refused(models, data):
    sample = ks.Sample(models[0], *data, m=None)
    with pytest.raises(ks.InputError, match="a model must have the weights of"):
        axis_to(network(0, units=5), sample)
    with pytest.raises(ks.InputError, match="models must have different weights"):
        axis_to(network(0), sample)
    axis = axis_to(models[1], sample)
    with pytest.raises(ks.InputError, match="must not lie on a line"):
        orthonormal([axis, axis])
