import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.models import gat
from keras_sharpness.objective.graph import Graph
from keras_sharpness.pools.data_split import read_split

X, Y = np.arange(12.0).reshape(6, 2), np.arange(6)
BATCHES = [(X[:4], Y[:4]), (X[4:], Y[4:])]


@pytest.mark.parametrize("given", [lambda: (X, Y), lambda: [X, Y], lambda: iter(BATCHES)])
def test_arrays_and_batches_are_the_same_examples(given):
    split = read_split("train", given())
    arguments = split.arguments()
    np.testing.assert_array_equal(arguments["x"], X)
    np.testing.assert_array_equal(arguments["y"], Y)
    np.testing.assert_array_equal(split.examples, np.arange(6))
    assert arguments["sample_weight"] is None


def test_sample_weights_and_nodes_of_a_graph():
    np.testing.assert_array_equal(read_split("train", (X, Y, Y / 4)).arguments()["sample_weight"], Y / 4)
    graph = Graph(X, np.array([[0, 1], [1, 0]]))
    split = read_split("test", (graph, Y, [1, 4]))
    np.testing.assert_array_equal(split.examples, [1, 4])
    assert split.arguments()["x"].num_nodes == 6


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((X,), r"`test`: must be \(x, y\)"),
        ((X, Y[:3]), "`test`: `x` and `y` must hold equally many examples"),
        (X, "`test`: `y` must be given"),
        ((Graph(X, np.array([[0, 1], [1, 0]])), Y, [9]), "`test`: nodes must be numbers from 0 to 5"),
    ],
)
def test_names_the_split_that_does_not_fit(given, message):
    with pytest.raises(InputError, match=message):
        read_split("test", given)


def test_training_takes_the_part_of_a_graph_that_it_depends_on():
    features, chain = np.eye(6, dtype="float32"), np.array([[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]])
    split = read_split("train", (Graph(features, chain), np.arange(6), [2]))
    network = gat(num_features=6, num_classes=6, channels=2)
    part = split.receptive_field(network)
    assert part.data.num_examples < 6 and part.data.tensors[1][part.examples[0]] == 2
    arrays = read_split("train", (X, Y))
    assert arrays.receptive_field(network) is arrays
