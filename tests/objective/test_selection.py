import keras
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.objective.selection import by_layer, select


@pytest.fixture(scope="module")
def model():
    layers = keras.layers
    return keras.Sequential(
        [
            *(keras.Input((3,)), layers.Dense(2, name="first"), layers.BatchNormalization(name="normalize")),
            *(layers.Dense(2, name="second"), layers.Dense(1, name="last", use_bias=False)),
        ],
        name="net",
    )


# The weights: kernel and bias of first, gamma and beta of normalize, kernel and bias of second, kernel of last.
@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("all", "1111111"),
        ("no_biases", "1011101"),
        ("no_normalization", "1100111"),
        ("kernels", "1000101"),
        ("first", "1100000"),
        ("first/kernel", "1000000"),
        ("*/kernel", "1000101"),
        (["first", "last"], "1100001"),
        ("s*", "0000110"),
        (lambda v: len(v.shape) == 1, "0111010"),
    ],
)
def test_selections(model, selection, expected):
    assert "".join(str(int(moves)) for moves in select(model, selection)) == expected


def test_layers_and_weights_themselves(model):
    first, normalize = model.get_layer("first"), model.get_layer("normalize")
    assert select(model, first) == select(model, "first")
    assert select(model, [normalize, "last"]) == select(model, ["normalize", "last"])
    assert select(model, first.kernel) == select(model, "first/kernel")
    assert all(select(model, model))
    with pytest.raises(InputError, match="must name layers or weights of the model.*Received: 'elsewhere'"):
        select(model, keras.layers.Dense(1, name="elsewhere"))


def test_layers(model):
    layers = by_layer(model)
    assert [path.split("/")[-1] for path in layers] == ["first", "normalize", "second", "last"]
    assert [sum(moves) for moves in layers.values()] == [2, 2, 2, 1]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ("third", "must name layers or weights of the model"),
        (["first", "third"], "Received: 'third'"),
        (lambda v: False, "`select` must leave a weight that moves"),
    ],
)
def test_selections_of_nothing_are_refused(model, selection, message):
    with pytest.raises(InputError, match=message):
        select(model, selection)
