"""Each kind of layer, its weights taken from PyTorch: outputs are PyTorch's to 1e-5."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_sharpness as ks
from keras_sharpness.models import torch_layouts

torch = pytest.importorskip("torch")

from tests.support import torch_networks  # noqa: E402


def assert_close(found, expected):
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.fixture(params=torch_networks.CHAINS | torch_networks.CHECKED)
def pair(request):
    keras.utils.set_random_seed(1)
    return (torch_networks.CHAINS | torch_networks.CHECKED)[request.param]()


def test_outputs_of_a_loaded_model(pair):
    expected = pair.in_torch()
    ks.interop.load_torch(pair.model, pair.module.state_dict(), inputs=pair.inputs, outputs=expected, tolerance=1e-5)
    assert_close(pair.in_keras(), expected)


def test_a_round_trip_keeps_every_bit(pair):
    state = {name: tensor.numpy().copy() for name, tensor in pair.module.state_dict().items()}
    ks.interop.load_torch(pair.model, state, inputs=pair.inputs, outputs=pair.in_torch())
    expected, before = pair.in_keras(), [ops.convert_to_numpy(w).copy() for w in pair.model.weights]
    named = ks.interop.to_torch(pair.model, checked=True)
    for weight in pair.model.weights:
        weight.assign(ops.zeros_like(weight))
    ks.interop.load_torch(pair.model, named, inputs=pair.inputs, outputs=expected)
    for weight, array in zip(pair.model.weights, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(weight), array)


@pytest.mark.parametrize("name", torch_networks.CHAINS)
def test_a_chain_needs_no_outputs(name):
    pair = torch_networks.CHAINS[name]()
    ks.interop.load_torch(pair.model, pair.module.state_dict())
    assert_close(pair.in_keras(), pair.in_torch())


@pytest.mark.parametrize("name", ["depthwise", "embedding", "vision_transformer", "resnet20", "encoder"])
def test_outputs_of_a_model_taken_to_pytorch(name, tmp_path):
    pair = (torch_networks.CHAINS | torch_networks.CHECKED)[name]()
    rng = np.random.default_rng(3)
    for weight in pair.model.weights:
        weight.assign(rng.uniform(0.02, 0.2, size=weight.shape))
    state = pair.module.state_dict()
    ks.interop.save_torch(pair.model, tmp_path / "model.pt", names=state, checked=True)
    pair.module.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    found, expected = pair.in_torch(), pair.in_keras()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


class Wrapping(layers.Layer):
    """A layer with a layer inside and a weight of its own, which PyTorch lists first."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(4, name="inner")
        self.scale = self.add_weight(shape=(4,), name="scale")

    def call(self, x):
        return self.inner(x) * self.scale


def test_layers_inside_models_and_layers():
    block = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="b"), Wrapping(name="c")])
    x = keras.Input((4,))
    y = block(layers.Dense(4, name="a")(x))
    model = keras.Model(x, layers.Dense(2, name="d")(layers.Add()([x, y])))
    for steps in torch_layouts.orders(model):
        found = [(module.layer.name, *module.entries) for module in torch_layouts.modules(steps, packed=True)]
        dense = ("weight", "bias")
        assert found == [("a", *dense), ("b", *dense), ("c", "parameter"), ("inner", *dense), ("d", *dense)]


def test_orders_differ_where_a_model_branches():
    model = torch_networks.projected().model
    orders = [[m.layer for m in torch_layouts.modules(s, packed=True)] for s in torch_layouts.orders(model)]
    assert len(orders) == 3 and all(set(order) == set(orders[0]) for order in orders)
    assert orders[1] != orders[2]
