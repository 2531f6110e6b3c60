"""The graph attention layer against GATConv of PyTorch Geometric (torch_geometric 2.8.1)."""

import numpy as np
import pytest
from keras import ops

from keras_sharpness import backend
from keras_sharpness.models import GraphAttention

torch = pytest.importorskip("torch")
nn = pytest.importorskip("torch_geometric.nn")

# PyTorch's own.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is:DeprecationWarning")

NUM_NODES, NUM_FEATURES, CHANNELS = 20, 6, 5
KINDS = [(heads, concat, loops) for heads in (1, 2) for concat in (True, False) for loops in (True, False)]


def problem(heads, concat, add_self_loops):
    """Both layers with the same weights; features; edges of which some come twice, and none ends in the last node."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(NUM_NODES, NUM_FEATURES)).astype("float32")
    edges = np.stack([rng.integers(0, NUM_NODES, 70), rng.integers(0, NUM_NODES - 1, 70)])
    edges = edges[:, edges[0] != edges[1]]
    edges = np.concatenate([edges, edges[:, :5]], axis=1).astype("int32")
    options = {"heads": heads, "concat": concat, "negative_slope": 0.2, "add_self_loops": add_self_loops}
    layer = GraphAttention(CHANNELS, **options)
    layer(x, edges)
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    theirs = nn.GATConv(NUM_FEATURES, CHANNELS, **options)
    kernel, sender, receiver, bias = (torch.tensor(array) for array in map(ops.convert_to_numpy, layer.get_weights()))
    state = {"lin.weight": kernel.T, "att_src": sender[None], "att_dst": receiver[None], "bias": bias}
    theirs.load_state_dict(state)
    return layer, theirs, x, edges


def ours(layer, x, edges) -> np.ndarray:
    return ops.convert_to_numpy(layer(ops.convert_to_tensor(x), ops.convert_to_tensor(edges)))


def torch_inputs(x, edges):
    return torch.tensor(x), torch.tensor(edges, dtype=torch.int64)


@pytest.mark.parametrize(("heads", "concat", "add_self_loops"), KINDS)
def test_outputs(heads, concat, add_self_loops):
    layer, theirs, x, edges = problem(heads, concat, add_self_loops)
    expected = theirs(*torch_inputs(x, edges)).detach().numpy()
    np.testing.assert_allclose(ours(layer, x, edges), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("heads", "concat", "add_self_loops"), KINDS)
def test_gradients(heads, concat, add_self_loops):
    layer, theirs, x, edges = problem(heads, concat, add_self_loops)
    cotangent = np.random.default_rng(1).normal(size=ours(layer, x, edges).shape).astype("float32")
    (theirs(*torch_inputs(x, edges)) * torch.tensor(cotangent)).sum().backward()
    expected = [theirs.lin.weight.grad.T, theirs.att_src.grad[0], theirs.att_dst.grad[0], theirs.bias.grad]
    tensors = [ops.convert_to_tensor(a) for a in (x, edges, cotangent)]

    def loss(weights):
        outputs, _ = layer.stateless_call(weights, [v.value for v in layer.non_trainable_variables], *tensors[:2])
        return ops.sum(outputs * tensors[2])

    _, gradients = backend.value_and_grad(loss)([v.value for v in layer.trainable_variables])
    for gradient, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(gradient), other.numpy(), rtol=1e-4, atol=1e-4)


def test_self_loops_among_the_edges():
    """GATConv replaces those by its own, while here they count beside the node's own: give each node one or neither."""
    layer, theirs, x, edges = problem(2, True, True)
    loops = np.tile(np.arange(NUM_NODES, dtype="int32"), (2, 1))
    looped = np.concatenate([edges, loops], axis=1)
    expected = theirs(*torch_inputs(x, looped)).detach().numpy()
    np.testing.assert_allclose(ours(layer, x, edges), expected, rtol=1e-5, atol=1e-5)
    assert np.abs(ours(layer, x, looped) - expected).max() > 0.01
    layer.add_self_loops = False
    np.testing.assert_allclose(ours(layer, x, looped), expected, rtol=1e-5, atol=1e-5)
