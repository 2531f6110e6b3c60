import keras
import pytest
from keras import layers

from keras_sharpness.errors import InputError
from keras_sharpness.models import torch_layouts, torch_names


def modules(*steps, packed=True):
    model = keras.Sequential([keras.Input((4,)), *steps])
    return torch_layouts.modules(model.layers, packed)


def owners(found, modules):
    """Returns the name of the layer that each name goes to."""
    names = {entry: module.layer.name for module in modules for entry in module.entries.values()}
    return {name: names[entry] for name, entry in found.items()}


SHAPES = {"last.weight": (2, 6), "first.weight": (4, 4), "second.weight": (4, 4), "wide.weight": (6, 4)}
STEPS = ("first", 4), ("second", 4), ("wide", 6), ("last", 2)


def dense():
    return modules(*(layers.Dense(units, use_bias=False, name=name) for name, units in STEPS))


def test_shapes_come_before_order():
    ours = dense()
    assert owners(torch_names.match(ours, SHAPES), ours) == {name: name.partition(".")[0] for name in SHAPES}


def test_order_counts_where_shapes_are_equal_or_unknown():
    ours = dense()
    found = owners(torch_names.match(ours, dict.fromkeys(SHAPES)), ours)
    assert list(found.values()) == ["first", "second", "wide", "last"]


def test_a_module_of_another_shape_goes_to_the_layer_that_is_left():
    ours = dense()
    found = owners(torch_names.match(ours, SHAPES | {"wide.weight": (5, 4)}), ours)
    assert found["wide.weight"] == "wide"


def test_dense_layers_and_normalizations_are_told_apart_by_shape():
    ours = modules(layers.Dense(4, name="dense"), layers.LayerNormalization(name="normalization"))
    shapes = {"norm.weight": (4,), "norm.bias": (4,), "linear.weight": (4, 4), "linear.bias": (4,)}
    found = owners(torch_names.match(ours, shapes), ours)
    assert list(found.values()) == ["normalization"] * 2 + ["dense"] * 2


def test_entries_without_a_layer_are_named():
    with pytest.raises(InputError, match="belong to a layer.*'head.weight'"):
        torch_names.match(dense(), SHAPES | {"head.weight": (3, 2)})
    with pytest.raises(InputError, match="belong to a layer.*'token'"):
        torch_names.match(dense(), SHAPES | {"token": (1, 4)})


def attention_names(packed, bias=True):
    x = keras.Input((3, 8))
    layer = layers.MultiHeadAttention(2, 4, use_bias=bias)
    layer(x, x)
    return list(torch_names.default(torch_layouts.modules([layer], packed)))


def test_names_by_default():
    assert list(torch_names.default(dense())) == [f"lins.{k}.weight" for k in range(4)]
    packed = attention_names(packed=True, bias=False)
    assert packed == ["attentions.0.out_proj.weight", "attentions.0.in_proj_weight"]
    assert torch_names.has_packed_attention(packed)
    assert not torch_names.has_packed_attention(attention_names(packed=False))
