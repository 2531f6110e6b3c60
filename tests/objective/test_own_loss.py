import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from tests.support.evaluating import (
    NUMBERS,
    X,
    check_pieces,
    evaluated,
    measured,
)


class Own(keras.Model):
    """Computes its loss in its own way."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)
        self.seen = keras.metrics.Mean()

    def call(self, x):
        return self.dense(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = ops.mean(ops.abs(y_pred - y) * (1 + ops.abs(x[:, :1])))
        self.seen.update_state(loss)
        return loss


def test_a_model_with_its_own_compute_loss():
    model = Own()
    model(X)
    model.compile()
    check_pieces(model, X, NUMBERS)
    squares = (model.predict(X, verbose=0) - NUMBERS) ** 2
    assert measured(model, X, NUMBERS, "mse") == pytest.approx(np.mean(squares), rel=1e-5)
    with pytest.raises(
        InputError, match="`loss` must be given where a measure needs the loss as a function of the out"
    ):
        ks.hessian.trace(model, X, NUMBERS, kind="ggn")


class OwnTest(keras.Sequential):
    def test_step(self, data):
        return {"loss": ops.zeros(())}


class OwnTraining(keras.Sequential):
    def train_step(self, *data):
        return {"loss": ops.zeros(())}


def test_a_model_with_its_own_steps(caplog):
    for kind in (OwnTest, OwnTraining):
        model = kind([keras.Input((5,)), layers.Dense(1)])
        model.compile(loss="mse")
        if kind is OwnTest:
            with pytest.raises(InputError, match="`loss` must be given for a model with its own `test_step`"):
                measured(model, X, NUMBERS)
        else:
            assert measured(model, X, NUMBERS) == pytest.approx(evaluated(model, X, NUMBERS), rel=1e-5)
            assert "trains by its own `train_step`" in caplog.text
