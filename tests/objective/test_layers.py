import keras
import pytest
from keras import layers, ops

from keras_sharpness import models
from keras_sharpness.objective import layers as known
from tests.support import zoo


def graph_network(*extra, output=lambda x: x):
    """Two rounds of messages with other steps between and behind."""
    features, edges = keras.Input(batch_shape=(None, 4)), keras.Input(batch_shape=(2, None), dtype="int32")
    hidden = models.GraphAttention(3)(features, edges)
    for layer in extra:
        hidden = layer(hidden)
    return keras.Model([features, edges], output(models.GraphAttention(2)(hidden, edges)))


def called_twice():
    features, edges = keras.Input(batch_shape=(None, 3)), keras.Input(batch_shape=(2, None), dtype="int32")
    attention = models.GraphAttention(3)
    return keras.Model([features, edges], attention(attention(features, edges), edges))


class Subclassed(keras.Model):
    pass


HOPS = {
    "gat": (models.gat, 2),
    "dense between": (lambda: graph_network(layers.Dense(5), layers.ReLU(), layers.Dropout(0.5)), 2),
    "mean over nodes": (lambda: graph_network(output=lambda x: x - ops.mean(x, axis=0)), None),
    "batch norm": (lambda: graph_network(layers.BatchNormalization()), None),
    "called twice": (called_twice, None),
    "subclassed": (Subclassed, None),
}


@pytest.mark.parametrize(("build", "expected"), HOPS.values(), ids=HOPS)
def test_hops_are_known_only_where_every_step_is(build, expected):
    assert known.hops(build()) == expected


def test_steps_of_inner_models_are_listed():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    x = keras.Input((4,))
    names = [type(step).__name__ for step in known.steps(keras.Model(x, ops.exp(layers.Dense(2)(inner(x)))))]
    assert names == ["InputLayer", "Dense", "Dense", "Exp"]
    assert known.steps(Subclassed()) == [None]


def test_which_networks_can_be_stacked():
    model = models.gat()
    assert known.is_stackable(model)
    # A kernel of its own for each copy, bare operations, and layers without `stacked`.
    assert not known.is_stackable(keras.Model(model.input, layers.Dense(3)(model.output)))
    assert not known.is_stackable(keras.Model(model.input, ops.softmax(model.output)))
    assert not known.is_stackable(models.fcnn())
    assert not known.is_stackable(Subclassed())


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (models.fcnn, True),
        (models.lenet5, False),
        (lambda: zoo.lstm().model, False),
        (lambda: zoo.subclassed().model, False),
        (lambda: zoo.two_inputs_two_outputs().model, True),
        (lambda: keras.Sequential([keras.Input((10,)), models.fcnn()]), True),
        (lambda: keras.Sequential([keras.Input((28, 28, 1)), models.lenet5()]), False),
    ],
    ids=["fcnn", "lenet5", "lstm", "subclassed", "two inputs", "fcnn inside", "lenet5 inside"],
)
def test_which_models_run_fast_as_one_computation(build, expected):
    assert known.is_vectorizable(build()) is expected
