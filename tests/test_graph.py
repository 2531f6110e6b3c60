import cases
import numpy as np
import pytest
from keras import ops

from keras_sharpness.errors import InputError
from keras_sharpness.graph import Graph

# 0 -> 1 -> 2 -> 3 -> 4, and 5 apart.
CHAIN = Graph(np.zeros((6, 1), "float32"), np.array([[0, 1, 2, 3], [1, 2, 3, 4]]))


def test_edges_of_one_and_two_hops():
    assert CHAIN.receptive_edges(np.array([[4]]), hops=1).tolist() == [[[3], [4]]]
    assert CHAIN.receptive_edges(np.array([[4]]), hops=2).tolist() == [[[2, 3], [3, 4]]]


def test_smaller_fields_are_filled_up_with_other_edges():
    edges = CHAIN.receptive_edges(np.array([[4], [1]]), hops=2)
    assert edges.shape == (2, 2, 2)
    assert [0, 1] in edges[1].T.tolist()


def test_outputs_depend_on_no_other_edge():
    case = cases.gat()
    batches = np.array([[3, 8], [50, 51]])
    whole = ops.convert_to_numpy(case.model(case.x.inputs))
    fields = case.x.receptive_edges(batches, hops=2)
    assert fields.shape[2] < case.x.edges.shape[1]
    for nodes, edges in zip(batches, fields, strict=True):
        outputs = ops.convert_to_numpy(case.model(case.x.inputs | {"edges": edges}))
        np.testing.assert_allclose(outputs[nodes], whole[nodes], rtol=1e-5, atol=1e-6)
        assert not np.allclose(outputs, whole)


def test_the_field_of_some_nodes_gives_their_outputs():
    case, nodes = cases.gat(), np.array([3, 8])
    field, kept = case.x.field(nodes, hops=2)
    assert field.num_nodes < case.x.num_nodes
    np.testing.assert_array_equal(field.features, case.x.features[kept])
    places = np.searchsorted(kept, nodes)
    whole, part = (ops.convert_to_numpy(case.model(graph.inputs)) for graph in (case.x, field))
    np.testing.assert_allclose(part[places], whole[nodes], rtol=1e-5, atol=1e-6)


def test_a_field_reaches_no_further_than_the_messages():
    field, kept = CHAIN.field(np.array([4]), hops=2)
    assert kept.tolist() == [2, 3, 4]
    assert field.edges.tolist() == [[0, 1], [1, 2]]


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
