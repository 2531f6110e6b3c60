"""A member's steps are those of Keras's own `fit`."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_sharpness.errors import InputError
from keras_sharpness.pools.train_pool import train_pool
from keras_sharpness.pools.update_rules import KerasRule

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 3)).astype("float32"), RNG.normal(size=(12, 1)).astype("float32")
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "adam": lambda: keras.optimizers.Adam(0.02, clipnorm=0.5),
    "adamw, decaying": lambda: keras.optimizers.AdamW(keras.optimizers.schedules.ExponentialDecay(0.05, 3, 0.5)),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.01, centered=True),
}


def build():
    penalty = keras.regularizers.L2(0.1)
    layers = [keras.layers.Dense(4, "tanh", kernel_regularizer=penalty), keras.layers.BatchNormalization()]
    return keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(1)])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_members_train_as_fit_does(name):
    """All examples make one batch, so that their order does not matter."""
    options = {"loss": "mse", "batch_size": 12, "max_epochs": 5, "space": {}, "seeds": 2}
    pool = train_pool(build, (X, Y), (X, Y), optimizer=OPTIMIZERS[name](), **options)
    for index in range(2):
        member, model = pool.load(index), build()
        member.assign_to(model)
        for variable, value in zip(model.trainable_variables, member.initial, strict=True):
            variable.assign(value)
        model.layers[1].moving_mean.assign(np.zeros(4))
        model.layers[1].moving_variance.assign(np.ones(4))
        model.compile(OPTIMIZERS[name](), "mse", run_eagerly=True)
        model.fit(X, Y, batch_size=12, epochs=5, verbose=0)
        for ours, variable in zip(member.weights, model.trainable_variables, strict=True):
            np.testing.assert_allclose(ours, ops.convert_to_numpy(variable.value), atol=2e-6, rtol=1e-5)
        for ours, variable in zip(member.state, model.non_trainable_variables, strict=True):
            np.testing.assert_allclose(ours, ops.convert_to_numpy(variable.value), atol=2e-6, rtol=1e-5)


def test_members_have_rates_of_their_own():
    """A learning rate and a weight decay in the space are the optimizer's of that member."""
    space = {"learning_rate": [0.01, 0.05], "weight_decay": [0.0, 0.2]}
    options = {"loss": "mse", "batch_size": 12, "max_epochs": 3}
    pool = train_pool(build, (X, Y), (X, Y), optimizer="adam", space=space, seeds=1, **options)
    for row in pool.rows:
        member = pool.load(row["index"])
        own = keras.optimizers.Adam(row["learning_rate"], weight_decay=row["weight_decay"] or None)
        model = build()
        for variable, value in zip(model.trainable_variables, member.initial, strict=True):
            variable.assign(value)
        model.compile(own, "mse", run_eagerly=True)
        model.fit(X, Y, batch_size=12, epochs=3, verbose=0)
        for ours, variable in zip(member.weights, model.trainable_variables, strict=True):
            np.testing.assert_allclose(ours, ops.convert_to_numpy(variable.value), atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("option", [{"use_ema": True}, {"gradient_accumulation_steps": 2}])
def test_refuses_optimizers_that_keep_weights_elsewhere(option):
    with pytest.raises(InputError, match="without loss scaling, gradient accumulation and moving averages"):
        KerasRule(keras.optimizers.SGD(0.1, **option), build().trainable_variables, decays=False)
