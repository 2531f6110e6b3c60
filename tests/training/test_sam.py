"""The model around a model: saving, settings, what it refuses, precision."""

import contextlib

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from tests.support import sam_reference as slow
from tests.support.sam_reference import BATCH, X, Y
from tests.support.sam_training import fit

BACKEND = keras.config.backend()
SGD = keras.optimizers.SGD


def test_weights_without_a_gradient_are_left_alone():
    class Unused(keras.layers.Layer):
        def build(self, shape):
            self.spare = self.add_weight(shape=(2,), initializer="ones")

        def call(self, x):
            return x

    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)(Unused()(inputs)))
    trainer = ks.SAM(model, rho=0.1)
    trainer.compile(keras.optimizers.AdamW(0.1, weight_decay=0.1), "mean_squared_error")
    with pytest.warns(UserWarning, match="Gradients do not exist") if BACKEND != "jax" else contextlib.nullcontext():
        trainer.fit(X, Y, epochs=1, verbose=0)
    spare = keras.ops.convert_to_numpy(model.trainable_variables[0].value)
    # Keras's own training on JAX decays such weights.
    assert np.all(spare < 1) if BACKEND == "jax" else np.all(spare == 1)


def test_mixed_precision_scales_the_loss():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(8, activation="relu", dtype="mixed_float16"), keras.layers.Dense(2, dtype="float32")]
    model = keras.Sequential([keras.Input((3,)), *layers])
    trainer = ks.SAM(model, rho=0.05, dtype="mixed_float16")
    trainer.compile(SGD(0.1), "mean_squared_error")
    assert isinstance(trainer.optimizer, keras.optimizers.LossScaleOptimizer)
    before = [np.array(w) for w in model.get_weights()]
    losses = trainer.fit(X, Y, epochs=5, verbose=0, shuffle=False).history["loss"]
    keras.utils.set_random_seed(0)
    exact = ks.SAM(keras.models.clone_model(model, clone_function=_in_float32), rho=0.05)
    exact.model.set_weights(before)
    exact.compile(SGD(0.1), "mean_squared_error")
    expected = exact.fit(X, Y, epochs=5, verbose=0, shuffle=False).history["loss"]
    np.testing.assert_allclose(losses, expected, rtol=1e-2)


def _in_float32(layer):
    return type(layer).from_config(layer.get_config() | {"dtype": "float32"})


@pytest.mark.parametrize("options", [{"adaptive": "kernels", "eta": 0.1, "m": 4, "every": 2, "norm": "linf"}])
def test_saved_loaded_and_trained_on_it_gives_the_numbers_of_one_training(options, tmp_path):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.3, 5, 0.7)
    options = options | {"rho": schedule, "maximizer": ks.PGA(num_steps=2)}
    expected = fit(ks.SAM(slow.network(), **options), keras.optimizers.Adam(0.01), epochs=4)
    first = ks.SAM(slow.network(), **options)
    fit(first, keras.optimizers.Adam(0.01), epochs=2)
    first.save(tmp_path / "model.keras")
    second = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(second, ks.SAM)
    assert second.ascent.get_config() == first.ascent.get_config()
    second.fit(X, Y, batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(expected, second.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(second.predict(X, verbose=0), second.model.predict(X, verbose=0), rtol=1e-6)


def test_the_config_holds_every_setting():
    config = ks.SAM(
        slow.network(), 0.2, True, 0.1, "linf", 4, ks.APGD(num_steps=3), 2, "kernels", name="s"
    ).get_config()
    del config["model"]
    maximizer = {"name": "APGD", "num_steps": 3, "step_size": 2.0, "momentum": 0.75, "min_rises": 0.75}
    rest = {"adaptive": True, "eta": 0.1, "norm": "linf", "m": 4, "every": 2, "select": "kernels", "name": "s"}
    assert config == {"rho": 0.2, "maximizer": maximizer, **rest}


class OwnStep(keras.Sequential):
    def train_step(self, data):
        return {}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ks.SAM("mlp"), "`model` must be a Keras model"),
        (lambda: ks.SAM(keras.Sequential([keras.layers.Dense(1)])), "must be built"),
        (lambda: ks.SAM(OwnStep([keras.Input((3,)), keras.layers.Dense(1)])), "methods of its own"),
        (lambda: ks.SAM(keras.Sequential([keras.Input((3,)), keras.layers.ReLU()])), "must have trainable weights"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
