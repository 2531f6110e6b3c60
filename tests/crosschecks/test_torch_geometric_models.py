"""The graph attention network against GAT of PyTorch Geometric (torch_geometric 2.8.1)."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_sharpness as ks

torch = pytest.importorskip("torch")
nn = pytest.importorskip("torch_geometric.nn")

# PyTorch's own.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is:DeprecationWarning")

NUM_NODES, NUM_FEATURES = 30, 12


@pytest.fixture(params=[1, 2])
def pair(request):
    """Their network with random weights, and ours."""
    torch.manual_seed(0)
    channels = 8 * request.param
    options = {"num_layers": 2, "out_channels": 7, "dropout": 0.6, "act": "elu", "heads": request.param}
    theirs = nn.GAT(NUM_FEATURES, channels, **options).eval()
    for tensor in theirs.state_dict().values():
        tensor.normal_()
    keras.utils.set_random_seed(0)
    return theirs, ks.models.gat(NUM_FEATURES, heads=request.param)


def assert_predictions_are_equal(theirs, ours):
    rng = np.random.default_rng(0)
    x = (rng.random((NUM_NODES, NUM_FEATURES)) < 0.2).astype("float32")
    edges = np.stack([rng.integers(0, NUM_NODES, 90), rng.integers(0, NUM_NODES, 90)])
    edges = edges[:, edges[0] != edges[1]]
    with torch.no_grad():
        expected = theirs(torch.tensor(x), torch.tensor(edges)).numpy()
    inputs = {"features": ops.convert_to_tensor(x), "edges": ops.convert_to_tensor(edges.astype("int32"))}
    atol = 1e-6 * np.abs(expected).max()
    np.testing.assert_allclose(ops.convert_to_numpy(ours(inputs)), expected, rtol=1e-6, atol=atol)


def test_a_loaded_network(pair):
    theirs, ours = pair
    assert_predictions_are_equal(theirs, ks.interop.load_torch(ours, theirs.state_dict()))


def test_a_saved_network(pair, tmp_path):
    theirs, ours = pair
    ks.interop.save_torch(ours, tmp_path / "gat.pt")
    theirs.load_state_dict(torch.load(tmp_path / "gat.pt", weights_only=True))
    assert_predictions_are_equal(theirs, ours)
