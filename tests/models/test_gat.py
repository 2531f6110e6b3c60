import numpy as np
import pytest
from keras import ops

from keras_sharpness.models import gat
from tests.support import cases, reference


def test_sizes_are_the_papers():
    assert [v.shape for v in gat().trainable_variables] == [
        (1433, 8), (1, 8), (1, 8), (8,),
        (8, 7), (1, 7), (1, 7), (7,),
    ]  # fmt: skip


@pytest.mark.parametrize("heads", [1, 3])
def test_outputs_are_those_of_the_float64_reference(heads):
    case = cases.gat(heads=heads)
    expected, _ = reference.gat(case.weights, case.x.features.astype(np.float64), case.x.edges)
    np.testing.assert_allclose(ops.convert_to_numpy(case.model(case.x.inputs)), expected, rtol=1e-4, atol=1e-5)


def test_a_nodes_output_depends_on_two_rounds_of_messages():
    """On a path 0 -> 1 -> 2 -> 3: a feature of node 0 reaches nodes 0, 1 and 2."""
    model = cases.randomize(gat(num_features=3, num_classes=2))
    x, edges = np.ones((4, 3), "float32"), np.array([[0, 1, 2], [1, 2, 3]], "int32")
    moved = x.copy()
    moved[0] = [2, -1, 0]
    before, after = (ops.convert_to_numpy(model({"features": f, "edges": edges})) for f in (x, moved))
    assert (before != after).any(axis=1).tolist() == [True, True, True, False]


def test_dropout_has_one_rate_in_all_three_places():
    model = gat(num_features=4, dropout=0.3)
    rates = [part.rate for part in model._flatten_layers() if type(part).__name__ == "Dropout"]
    assert rates == [0.3] * 3
