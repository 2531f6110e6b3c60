import importlib.util

import keras
import numpy as np
import pytest
from keras import ops

from keras_sharpness import backend
from keras_sharpness.models import GraphAttention
from tests.support import cases, reference

# The same layer in tensorflow_gnn's operations on a GraphTensor, in a process that has switched to Keras 2 for it.
TENSORFLOW_GNN = """
import sys
import numpy as np, tensorflow as tf, tensorflow_gnn as tfgnn
arrays = np.load(sys.argv[1])
heads, channels, concat = int(arrays["heads"]), int(arrays["channels"]), bool(arrays["concat"])
edges = tfgnn.EdgeSet.from_fields(
    sizes=[arrays["senders"].size],
    adjacency=tfgnn.Adjacency.from_indices(("n", arrays["senders"]), ("n", arrays["receivers"])),
)
nodes = tfgnn.NodeSet.from_fields(sizes=[len(arrays["x"])], features={})
graph = tfgnn.GraphTensor.from_pieces(node_sets={"n": nodes}, edge_sets={"e": edges})
variables = [tf.Variable(arrays[n]) for n in ("kernel", "sender", "receiver", "bias")]
with tf.GradientTape() as tape:
    kernel, sender, receiver, bias = variables
    hidden = tf.reshape(arrays["x"] @ kernel, (-1, heads, channels))
    spread = lambda tag, value: tfgnn.broadcast_node_to_edges(graph, "e", tag, feature_value=value)
    scores = spread(tfgnn.SOURCE, tf.reduce_sum(hidden * sender, -1))
    scores += spread(tfgnn.TARGET, tf.reduce_sum(hidden * receiver, -1))
    alpha = tfgnn.softmax_edges_per_node(graph, "e", tfgnn.TARGET, feature_value=tf.nn.leaky_relu(scores, 0.2))
    messages = alpha[..., None] * spread(tfgnn.SOURCE, hidden)
    out = tfgnn.pool_edges_to_node(graph, "e", tfgnn.TARGET, "sum", feature_value=messages)
    out = tf.reshape(out, (-1, heads * channels)) if concat else tf.reduce_mean(out, 1)
    out += bias
    loss = tf.reduce_sum(out * arrays["cotangent"])
gradients = tape.gradient(loss, variables)
np.savez(sys.argv[2], out=out.numpy(), **{f"g{k}": g.numpy() for k, g in enumerate(gradients)})
"""


def problem(heads, concat):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 12)).astype("float32")
    edges = rng.integers(0, 40, (2, 150)).astype("int32")
    layer = GraphAttention(5, heads=heads, concat=concat)
    layer(x, edges)
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    cotangent = rng.normal(size=(40, heads * 5 if concat else 5)).astype("float32")
    return layer, x, edges, cotangent


@pytest.mark.skipif(importlib.util.find_spec("tensorflow_gnn") is None, reason="tensorflow_gnn is not installed")
@pytest.mark.parametrize(("heads", "concat"), [(1, True), (3, True), (3, False)])
def test_equals_tensorflow_gnn(tmp_path, run_python, heads, concat):
    layer, x, edges, cotangent = problem(heads, concat)
    weights = [v.value for v in layer.trainable_variables]

    x, edges, cotangent = map(ops.convert_to_tensor, (x, edges, cotangent))

    def loss(weights):
        outputs, _ = layer.stateless_call(weights, [v.value for v in layer.non_trainable_variables], x, edges)
        return ops.sum(outputs * cotangent)

    _, gradients = backend.value_and_grad(loss)(weights)
    loops = np.arange(40)
    senders, receivers = np.concatenate([ops.convert_to_numpy(edges), [loops, loops]], axis=1)
    names = ("kernel", "sender", "receiver", "bias")
    arrays = dict(zip(names, map(ops.convert_to_numpy, layer.get_weights()), strict=True))
    arrays |= {
        "x": ops.convert_to_numpy(x),
        "senders": senders,
        "receivers": receivers,
        "cotangent": ops.convert_to_numpy(cotangent),
    }
    np.savez(tmp_path / "in.npz", heads=heads, channels=5, concat=concat, **arrays)
    process = run_python(
        "-c", TENSORFLOW_GNN, str(tmp_path / "in.npz"), str(tmp_path / "out.npz"), TF_USE_LEGACY_KERAS="1"
    )
    assert process.returncode == 0, process.stderr[-2000:]
    theirs = np.load(tmp_path / "out.npz")
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x, edges)), theirs["out"], rtol=1e-5, atol=1e-5)
    for k, gradient in enumerate(gradients):
        np.testing.assert_allclose(ops.convert_to_numpy(gradient), theirs[f"g{k}"], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("heads", "concat"), [(1, True), (3, True), (3, False)])
def test_equals_the_float64_reference(heads, concat):
    layer, x, edges, _ = problem(heads, concat)
    weights = [ops.convert_to_numpy(v.value).astype(np.float64) for v in layer.trainable_variables]
    expected, _ = reference.graph_attention(x.astype(np.float64), *weights, edges, concat)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x, edges)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("add_self_loops", [True, False])
def test_huge_scores_are_no_nan(add_self_loops):
    layer, x, edges, _ = problem(1, True)
    ring = np.arange(40)
    edges = np.concatenate([edges, [ring, np.roll(ring, 1)]], axis=1)
    layer.add_self_loops = add_self_loops
    layer.sender_attention.assign(1e4 * ops.ones_like(layer.sender_attention.value))
    outputs = ops.convert_to_numpy(layer(x, edges))
    # Each node then takes the features of the one neighbour with the largest score.
    hidden = x @ ops.convert_to_numpy(layer.kernel.value)
    loops = np.stack([ring, ring]) if add_self_loops else np.zeros((2, 0), int)
    senders, receivers = np.concatenate([edges, loops], axis=1)
    best = [max(senders[receivers == node], key=lambda j: hidden[j].sum()) for node in ring]
    np.testing.assert_allclose(outputs, hidden[best] + ops.convert_to_numpy(layer.bias.value), rtol=1e-4, atol=1e-4)


def test_a_node_without_neighbours_keeps_its_own_features_or_has_none():
    layer, x, edges, _ = problem(1, True)
    alone = np.zeros((2, 0), "int32")
    kernel, _, _, bias = (ops.convert_to_numpy(v.value) for v in layer.trainable_variables)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x, alone)), x @ kernel + bias, rtol=1e-5)
    layer.add_self_loops = False
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x, alone)), np.tile(bias, (40, 1)))


def test_dropout_acts_on_the_attention_in_training_only():
    layer = GraphAttention(5, dropout=0.6)
    _, x, edges, _ = problem(1, True)
    quiet, noisy = (ops.convert_to_numpy(layer(x, edges, training=training)) for training in (False, True))
    assert not np.allclose(quiet, noisy)
    np.testing.assert_array_equal(quiet, ops.convert_to_numpy(layer(x, edges)))


def test_the_network_survives_saving(tmp_path):
    model, graph = cases.gat().model, cases.gat().x
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(*(ops.convert_to_numpy(m(graph.inputs)) for m in (model, again)))
