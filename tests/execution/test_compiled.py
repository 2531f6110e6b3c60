import gc
import weakref

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.execution import compiled
from keras_sharpness.objective.objective import Objective

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = np.sin(X[:, :1])


def network(activation="tanh", rate=0.0):
    layers = [keras.layers.Dense(4, activation=activation), keras.layers.Dropout(rate), keras.layers.Dense(1)]
    return keras.Sequential([keras.Input((3,)), *layers])


def traced(monkeypatch):
    """Counts how often the loss is traced, or called where nothing is compiled."""
    calls = []
    original = Objective.loss_and_error
    monkeypatch.setattr(
        Objective, "loss_and_error", lambda self, *args, **options: calls.append(1) or original(self, *args, **options)
    )
    return calls


def measure(model, **options):
    return ks.worst_case_sharpness(model, X, Y, "mean_squared_error", m=8, num_batches=3, **options).value


compiles = pytest.mark.skipif(keras.config.backend() == "torch", reason="PyTorch runs eagerly: nothing is compiled")


@compiles
def test_another_radius_compiles_nothing(monkeypatch):
    model = network()
    measure(model, rho=0.1)
    calls = traced(monkeypatch)
    assert measure(model, rho=0.2) > measure(model, rho=0.1)
    assert not calls


@compiles
def test_later_weights_compile_nothing_in_a_sample(monkeypatch):
    model = network()
    sample = ks.Sample(model, X, Y, lambda a, b: keras.ops.mean((a - b) ** 2), m=8, num_batches=3)
    first = ks.worst_case_sharpness(sample, rho=0.1).value
    calls = traced(monkeypatch)
    model.set_weights([2 * w for w in model.get_weights()])
    assert ks.worst_case_sharpness(sample, rho=0.1).value != pytest.approx(first)
    assert not calls


@pytest.mark.slow
@pytest.mark.parametrize("change", ["rate", "activation", "trainable", "loss"])
def test_a_changed_model_is_measured_anew(change):
    model, options = network(rate=0.5), {"training": True, "rho": 0.1}
    measure(model, **options)
    same = network(rate=0.5)
    if change == "rate":
        model.layers[1].rate = same.layers[1].rate = 0.1
    elif change == "activation":
        model.layers[0].activation = same.layers[0].activation = keras.activations.relu
    elif change == "trainable":
        model.layers[0].trainable = same.layers[0].trainable = False
    else:
        found = ks.worst_case_sharpness(model, X, Y, "mean_absolute_error", m=8, num_batches=3, rho=0.1)
        same.set_weights(model.get_weights())
        expected = ks.worst_case_sharpness(same, X, Y, "mean_absolute_error", m=8, num_batches=3, rho=0.1)
        np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-5)
        return
    same.set_weights(model.get_weights())
    for variable, value in zip(same.non_trainable_variables, model.non_trainable_variables, strict=False):
        if variable.shape == value.shape:
            variable.assign(value)
    assert measure(model, **options) == pytest.approx(measure(same, **options), rel=1e-5)


def test_layers_of_users_are_compiled_anew():
    class Scale(keras.layers.Layer):
        factor = 1.0

        def call(self, inputs):
            return self.factor * inputs

    model = keras.Sequential([keras.Input((3,)), Scale(), keras.layers.Dense(1)])
    assert compiled.fingerprint(model) is None
    before = measure(model, rho=0.1)
    model.layers[0].factor = 3.0
    assert measure(model, rho=0.1) != pytest.approx(before, rel=1e-3)


@compiles
def test_what_is_kept_does_not_keep_the_model():
    model = network()
    measure(model, rho=0.1)
    assert model in compiled._kept
    dead = weakref.ref(model)
    del model
    gc.collect()
    assert dead() is None


def test_only_the_most_recent_functions_are_kept(monkeypatch):
    monkeypatch.setattr(compiled, "MOST_KEPT", 2)
    model, made = network(), []
    for key in ("a", "b", "a", "c", "a", "b"):
        compiled.keep(model, key, lambda key=key: made.append(key) or (lambda: key))
    assert made == ["a", "b", "c", "b"]
