import numpy as np
import pytest
from keras import ops

from keras_sharpness.errors import InputError
from keras_sharpness.objective.graph import Graph
from tests.support import cases

# 0 -> 1 -> 2 -> 3 -> 4, and 5 apart.
CHAIN = Graph(np.zeros((6, 1), "float32"), np.array([[0, 1, 2, 3], [1, 2, 3, 4]]))


def test_a_field_reaches_no_further_than_the_messages():
    field = CHAIN.field(np.array([4]), hops=2)
    assert field.nodes.tolist() == [4, 3, 2]
    assert field.graph.edges.tolist() == [[1, 2], [0, 1]]
    assert field.within.tolist() == [1, 2, 3]
    assert [field.edges_into(n) for n in field.within] == [1, 2, 2]
    assert CHAIN.field(np.array([4]), hops=1).nodes.tolist() == [4, 3]


def test_the_field_of_some_nodes_gives_their_outputs():
    case, nodes = cases.gat(), np.array([8, 3])
    field = case.x.field(nodes, hops=2)
    assert field.graph.num_nodes < case.x.num_nodes
    np.testing.assert_array_equal(field.graph.features, case.x.features[field.nodes])
    assert sorted(field.places(nodes)) == [0, 1]
    whole, part = (ops.convert_to_numpy(case.model(graph.inputs)) for graph in (case.x, field.graph))
    np.testing.assert_allclose(part[field.places(nodes)], whole[nodes], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("features", "edges", "message"),
    [
        (np.zeros(3), np.zeros((2, 1), int), "`features` must have shape"),
        (np.zeros((3, 1)), np.zeros((3, 1), int), "`edges` must have shape"),
        (np.zeros((3, 1)), np.zeros((2, 1)), "`edges` must be integers"),
        (np.zeros((3, 1)), np.array([[0], [3]]), "`edges` must join nodes 0 to 2"),
        (np.zeros((3, 1)), np.array([[-1], [0]]), "`edges` must join nodes 0 to 2"),
    ],
)
def test_bad_graphs_are_refused(features, edges, message):
    with pytest.raises(InputError, match=message):
        Graph(features, edges)
