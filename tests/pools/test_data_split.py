import numpy as np
import pytest

from keras_sharpness.errors import InputError
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
