import numpy as np

from keras_sharpness.data.dataset import Dataset
from keras_sharpness.objective.graph import Graph

X, Y = np.arange(10.0).reshape(5, 2), np.arange(5)
SPLITS = {"train": np.array([0, 2]), "test": np.array([4])}


def test_examples_of_an_array_are_its_rows():
    dataset = Dataset(name="rows", x=X, y=Y, **SPLITS)
    x, y = dataset.examples("train")
    assert x.tolist() == [[0, 1], [4, 5]]
    assert y.tolist() == [0, 2]
    assert [len(part) for part in dataset.examples("validation")] == [0, 0]


def test_examples_of_a_graph_are_nodes_of_the_whole_graph():
    graph = Graph(X, np.zeros((2, 0), np.int32))
    x, y = Dataset(name="nodes", x=graph, y=Y, **SPLITS).examples("test")
    assert x is graph
    assert y.tolist() == [4]


def test_training_on_a_graph_sees_the_field_of_its_nodes_and_no_more():
    """On a path 0 -> 1 -> 2 -> 3 -> 4, node 3 hears of nodes 1 and 2 in two rounds."""
    graph = Graph(X, np.array([[0, 1, 2, 3], [1, 2, 3, 4]]))
    dataset = Dataset(name="nodes", x=graph, y=Y, train=np.array([3]), test=np.array([4]))
    field = dataset.training_field(hops=2)
    assert sorted(field.y.tolist()) == [1, 2, 3]
    assert field.y[field.train].tolist() == [3]
    np.testing.assert_array_equal(field.x.features, X[field.y])
    assert {tuple(field.y[edge]) for edge in field.x.edges.T} == {(1, 2), (2, 3)}
    assert len(field.test) == 0


def test_without_a_graph_or_known_hops_training_sees_everything():
    rows = Dataset(name="rows", x=X, y=Y, **SPLITS)
    assert rows.training_field(hops=2) is rows
    nodes = Dataset(name="nodes", x=Graph(X, np.zeros((2, 0), np.int32)), y=Y, **SPLITS)
    assert nodes.training_field(hops=None) is nodes
