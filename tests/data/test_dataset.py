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
