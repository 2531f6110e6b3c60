"""State dicts of PyTorch: the networks of the released code, written out again, beside ours."""

import json
import os
import pickle

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_sharpness as ks
from keras_sharpness.models import Dropout, GraphAttention

torch = pytest.importorskip("torch")
from tests.support.torch_networks import randomize  # noqa: E402

nn = torch.nn


def assert_close(found, expected):
    """Up to float32 rounding, which goes with the largest numbers that are added."""
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


class LeNet(nn.Module):
    """All modules of a kind in a row, as many programs have them: not the order in which they are called."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 12, 5), nn.Conv2d(12, 32, 5)
        self.norm1, self.norm2 = nn.BatchNorm2d(12), nn.BatchNorm2d(32)
        self.dense1, self.dense2, self.dense3 = nn.Linear(512, 256), nn.Linear(256, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.norm1(self.conv1(x))), 2)
        x = nn.functional.max_pool2d(torch.relu(self.norm2(self.conv2(x))), 2).flatten(1)
        return self.dense3(torch.relu(self.dense2(torch.relu(self.dense1(x)))))


def lenet_in_sequence():
    steps = []
    for channels, filters in ((1, 12), (12, 32)):
        steps += [nn.Conv2d(channels, filters, 5), nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2)]
    steps.append(nn.Flatten())
    for features, units in ((512, 256), (256, 128)):
        steps += [nn.Linear(features, units), nn.Dropout(0.5), nn.ReLU()]
    return nn.Sequential(*steps, nn.Linear(128, 10))


def fcnn():
    return nn.Sequential(nn.Linear(10, 64), nn.ELU(), nn.Linear(64, 64), nn.ELU(), nn.Linear(64, 1), nn.ELU())


def our_fcnn():
    return ks.models.fcnn(activation="elu", output_activation="elu")


def mixed():
    """A normalization of flattened channels, and modules without biases, scales or offsets."""
    return nn.Sequential(
        *(nn.Conv2d(3, 4, 3, stride=2, bias=False), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.BatchNorm1d(24, affine=False, eps=1e-3), nn.Linear(24, 5, bias=False)),
        *(nn.LeakyReLU(0.3), nn.BatchNorm1d(5, eps=1e-3), nn.Linear(5, 2)),
    )


def our_mixed():
    x = keras.Input((10, 14, 3))
    y = layers.Flatten()(layers.AveragePooling2D(2)(layers.Conv2D(4, 3, strides=2, use_bias=False)(x)))
    y = Dropout(0.1)(layers.BatchNormalization(scale=False, center=False)(y))
    y = layers.BatchNormalization()(layers.LeakyReLU(0.3)(layers.Dense(5, use_bias=False)(y)))
    return keras.Model(x, layers.Dense(2)(y))


PAIRS = {
    "lenet": (LeNet, ks.models.lenet5, (28, 28, 1)),
    "lenet_in_sequence": (lenet_in_sequence, ks.models.lenet5, (28, 28, 1)),
    "fcnn": (fcnn, our_fcnn, (10,)),
    "mixed": (mixed, our_mixed, (10, 14, 3)),
}


@pytest.fixture(params=PAIRS)
def pair(request):
    """A module with random weights and statistics, a model, inputs."""
    theirs, ours, shape = PAIRS[request.param]
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(9, *shape)).astype("float32")
    return randomize(theirs()), ours(), x


def predict(model, x):
    return ops.convert_to_numpy(model(ops.convert_to_tensor(x), training=False))


def predict_in_torch(module, x):
    with torch.no_grad():
        return module(torch.tensor(np.moveaxis(x, -1, 1) if x.ndim == 4 else x)).numpy()


def arrays_of(module):
    return {name: tensor.numpy() for name, tensor in module.state_dict().items()}


def test_predictions_of_a_loaded_model(pair):
    module, model, x = pair
    assert ks.interop.load_torch(model, module.state_dict()) is model
    expected = predict_in_torch(module, x)
    assert np.ptp(expected) > 0.1
    assert_close(predict(model, x), expected)


def test_predictions_of_a_saved_model(pair, tmp_path):
    module, model, x = pair
    for weight in model.weights:
        weight.assign(np.random.default_rng(len(weight.shape)).uniform(0.02, 0.2, size=weight.shape))
    ks.interop.save_torch(model, tmp_path / "model.pt", names=module.state_dict())
    module.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    assert_close(predict_in_torch(module, x), predict(model, x))


def test_a_round_trip_keeps_every_bit(pair, tmp_path):
    module, model, _ = pair
    state = arrays_of(module)
    torch.save(module.state_dict(), tmp_path / "state.pt")
    ks.interop.load_torch(model, str(tmp_path / "state.pt"))
    back = ks.interop.to_torch(model, names=state)
    assert list(back) == list(state)
    for name, array in state.items():
        counter = name.endswith("num_batches_tracked")
        np.testing.assert_array_equal(back[name], 0 if counter else array)
        assert (back[name].dtype, back[name].shape) == (array.dtype, array.shape)
    before = [ops.convert_to_numpy(weight) for weight in model.weights]
    ks.interop.load_torch(model, ks.interop.to_torch(model))
    for weight, array in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(weight), array)


def test_names_by_default():
    dense = [f"lins.{k}.{end}" for k in range(3) for end in ("weight", "bias")]
    assert list(ks.interop.to_torch(ks.models.fcnn())) == dense
    names = list(ks.interop.to_torch(ks.models.lenet5()))
    assert names[:4] == ["convs.0.weight", "convs.0.bias", "norms.0.weight", "norms.0.bias"]
    assert names[4:7] == ["norms.0.running_mean", "norms.0.running_var", "norms.0.num_batches_tracked"]


def test_losses_where_sharpness_begins():
    module, model = randomize(LeNet()), ks.models.lenet5()
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(24, 28, 28, 1)).astype("float32"), rng.integers(0, 10, 24)
    batches = rng.integers(0, 24, (3, 8))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    ks.interop.load_torch(model, module.state_dict())
    r = ks.worst_case_sharpness(model, x, y, loss, rho=1e-4, batches=batches)
    logits = torch.tensor(predict_in_torch(module, x))
    expected = [nn.functional.cross_entropy(logits[batch], torch.tensor(y[batch])).item() for batch in batches]
    assert_close(r.losses[:, 0], expected)


def gat_state(heads, kernel="lin_src", num_features=30):
    rng = np.random.default_rng(0)
    state = {}
    for k, (features, channels, width) in enumerate([(num_features, 8, 8 * heads), (8 * heads, 7, 7)]):
        state[f"convs.{k}.att_src"] = rng.normal(size=(1, heads, channels))
        state[f"convs.{k}.att_dst"] = rng.normal(size=(1, heads, channels))
        state[f"convs.{k}.bias"] = rng.normal(size=width)
        state[f"convs.{k}.{kernel}.weight"] = rng.normal(size=(heads * channels, features)) / features**0.5
    return {name: array.astype("float32") for name, array in state.items()}


def attention(state, k, x, edges, heads):
    """One layer in float64 NumPy, a node after the other; heads come back one by one."""
    weight, bias, source, target = (
        state[f"convs.{k}.{end}"].astype("float64") for end in ("lin_src.weight", "bias", "att_src", "att_dst")
    )
    hidden = (x @ weight.T).reshape(len(x), heads, -1)
    out = np.zeros_like(hidden)
    for node in range(len(x)):
        senders = np.append(edges[0][edges[1] == node], node)
        scores = (hidden[senders] * source[0]).sum(-1) + (hidden[node] * target[0]).sum(-1)
        scores = np.exp(np.where(scores > 0, scores, 0.2 * scores))
        out[node] = ((scores / scores.sum(0))[..., None] * hidden[senders]).sum(0)
    return out, bias


@pytest.mark.parametrize("heads", [1, 3])
def test_predictions_of_a_loaded_gat(heads):
    state = gat_state(heads)
    model = ks.interop.load_torch(ks.models.gat(num_features=30, heads=heads), state)
    rng = np.random.default_rng(1)
    x, edges = (rng.random((20, 30)) < 0.2).astype("float32"), rng.integers(0, 20, (2, 60)).astype("int32")
    edges = edges[:, edges[0] != edges[1]]
    out, bias = attention(state, 0, x, edges, heads)
    hidden = out.reshape(20, -1) + bias
    out, bias = attention(state, 1, np.where(hidden > 0, hidden, np.expm1(hidden)), edges, heads)
    found = model({"features": ops.convert_to_tensor(x), "edges": ops.convert_to_tensor(edges)})
    assert_close(ops.convert_to_numpy(found), out.mean(1) + bias)


@pytest.mark.parametrize("heads", [1, 3])
def test_names_of_all_versions_of_gat(heads):
    model, state = ks.models.gat(num_features=30, heads=heads), gat_state(heads)
    both = state | {name.replace("lin_src", "lin_dst"): array for name, array in state.items()}
    for given in (state, both, gat_state(heads, "lin")):
        for weight in model.trainable_variables:
            weight.assign(weight * 0)
        back = ks.interop.to_torch(ks.interop.load_torch(model, given), names=given)
        for name, array in given.items():
            np.testing.assert_array_equal(back[name], array)
    assert list(ks.interop.to_torch(model)) == list(gat_state(heads, "lin"))


def test_an_attention_among_other_modules():
    features, edges = keras.Input(batch_shape=(None, 4)), keras.Input(batch_shape=(2, None), dtype="int32")
    hidden = GraphAttention(3)(layers.Dense(5)(features), edges)
    model = keras.Model([features, edges], layers.Dense(2)(hidden))
    shapes = {"lin.weight": (5, 4), "lin.bias": (5,), "conv.att_src": (1, 1, 3), "conv.att_dst": (1, 1, 3)}
    shapes |= {"conv.bias": (3,), "conv.lin.weight": (3, 5), "lin2.weight": (2, 3), "lin2.bias": (2,)}
    state = {name: np.random.default_rng(0).normal(size=shape).astype("float32") for name, shape in shapes.items()}
    back = ks.interop.to_torch(ks.interop.load_torch(model, state), names=state)
    for name, array in state.items():
        np.testing.assert_array_equal(back[name], array)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_tensors_of_other_types(dtype):
    module = fcnn().to(dtype)
    back = ks.interop.to_torch(ks.interop.load_torch(our_fcnn(), dict(module.named_parameters())), module.state_dict())
    for name, tensor in module.state_dict().items():
        np.testing.assert_array_equal(back[name], tensor.float().numpy())


def without(name):
    return lambda state: {other: array for other, array in state.items() if other != name}


MISFITS = {
    "shape": (lambda s: s | {"2.weight": np.zeros((64, 32))}, r"`2.weight` .* \(64, 64\)\. Received: shape=\(64, 32\)"),
    "last_shape": (lambda s: s | {"4.bias": np.zeros(2)}, r"`4.bias` .* \(1,\)\. Received: shape=\(2,\)"),
    "missing": (without("2.bias"), r"'dense.*' .* weight \(64, 64\), bias \(64,\)\. Received: entries='2.weight'"),
    "too_few": (lambda s: dict(list(s.items())[:4]), r"'dense.*' .* bias \(1,\)\. Received: entries='none'"),
    "too_many": (lambda s: s | {"6.weight": np.zeros((1, 1))}, "belong to a layer.*'6.weight'"),
    "unknown": (lambda s: s | {"scale": np.ones(3)}, "belong to a layer.*'scale'"),
    "norm": (lambda s: s | {"1.running_mean": np.ones(64)}, "belong to a layer.*'1.running_mean'"),
    "checkpoint": (lambda s: {"epoch": 3, "model": s}, "`epoch` must be a tensor.*'int'"),
    "nested": (lambda s: {"model": s}, "`model` must be a tensor.*'dict'"),
    "words": (lambda s: s | {"0.bias": np.array(["a"])}, "`0.bias` must hold real numbers"),
    "list": (lambda s: list(s.values()), "arrays by name.*'list'"),
}


@pytest.mark.parametrize(("spoil", "message"), MISFITS.values(), ids=MISFITS)
def test_a_misfit_is_named_and_changes_nothing(spoil, message):
    model = our_fcnn()
    before = [ops.convert_to_numpy(weight).copy() for weight in model.weights]
    with pytest.raises(ks.InputError, match=message) as error:
        ks.interop.load_torch(model, spoil(arrays_of(fcnn())))
    assert "\n" not in str(error.value)
    for weight, array in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(weight), array)


def test_an_attention_with_two_kernels_is_refused():
    state = gat_state(1)
    state["convs.0.lin_dst.weight"] = state["convs.0.lin_src.weight"] + 1
    with pytest.raises(ks.InputError, match="`convs.0.lin_dst.weight` must equal"):
        ks.interop.load_torch(ks.models.gat(num_features=30), state)


def test_names_that_do_not_fit_are_refused():
    with pytest.raises(ks.InputError, match="belong to a layer"):
        ks.interop.to_torch(ks.models.fcnn(), names=ks.interop.to_torch(ks.models.lenet5()))


def branches():
    x = keras.Input((4,))
    return keras.Model(x, layers.Add()([layers.Dense(3)(x), layers.Dense(3)(x)]))


def two_outputs():
    x = keras.Input((4,))
    return keras.Model(x, [layers.Dense(3)(x), layers.Dense(3)(x)])


class Subclassed(keras.Model):
    pass


REFUSED = {
    "recurrent": (lambda: keras.Sequential([keras.Input((4, 3)), layers.LSTM(2, name="memory")]), r"memory \(LSTM\)"),
    "permuting": (
        lambda: keras.Sequential([keras.Input((4, 4)), layers.Permute((2, 1), name="turn")]),
        r"turn \(P",
    ),
    "nested": (lambda: keras.Sequential([keras.Input((10,)), ks.models.fcnn()]), r"fcnn \(Sequential"),
    "branches": (branches, r"\(Add\)"),
    "outputs": (two_outputs, "one output. Received: outputs=2"),
    "subclassed": (Subclassed, "Sequential or functional.*'Subclassed'"),
    "unbuilt": (lambda: keras.Sequential([layers.Dense(2)]), "and built.*'Sequential'"),
    "channels_first": (
        lambda: keras.Sequential([keras.Input((3, 8, 8)), layers.Conv2D(2, 3, data_format="channels_first", name="c")]),
        "'c' must have its channels last",
    ),
}


@pytest.mark.parametrize(("build", "message"), REFUSED.values(), ids=REFUSED)
def test_other_models_are_refused(build, message):
    with pytest.raises(ks.InputError, match=message):
        ks.interop.to_torch(build())


def values(model):
    return [ops.convert_to_numpy(weight).copy() for weight in model.weights]


def test_outputs_that_differ_are_refused_and_change_nothing():
    """The same weights in a network of another activation, and with normalizations of another epsilon."""
    module, x = randomize(fcnn()), np.random.default_rng(0).normal(size=(9, 10)).astype("float32")
    expected = predict_in_torch(module, x)
    for model in (ks.models.fcnn(), ks.models.fcnn(activation="elu")):
        before = values(model)
        message = r"outputs of model and PyTorch must agree to 0.0001 of the largest. Received: a difference of \d"
        with pytest.raises(ks.InputError, match=message) as error:
            ks.interop.load_torch(model, module.state_dict(), inputs=x, outputs=expected)
        assert "\n" not in str(error.value)
        for now, then in zip(values(model), before, strict=True):
            np.testing.assert_array_equal(now, then)
    ks.interop.load_torch(our_fcnn(), module.state_dict(), inputs=x, outputs=expected)
    ks.interop.load_torch(ks.models.fcnn(), module.state_dict(), inputs=x, outputs=expected, tolerance=10.0)


UNCOMPARABLE = {
    "alone": ({"inputs": np.ones((2, 10))}, "must be given together"),
    "shape": ({"inputs": np.ones((2, 10)), "outputs": np.ones((2, 3))}, r"have the shapes \[\(2, 1\)\].*\(2, 3\)"),
    "structure": ({"inputs": np.ones((2, 10)), "outputs": [np.ones((2, 1))] * 2}, "have the shapes"),
    "zero": ({"inputs": np.ones((2, 10)), "outputs": np.zeros((2, 1))}, "finite, and not all zero"),
    "not_finite": ({"inputs": np.ones((2, 10)), "outputs": np.full((2, 1), np.nan)}, "finite, and not all zero"),
    "inputs": ({"inputs": np.ones((2, 7)), "outputs": np.ones((2, 1))}, "`inputs` must be inputs of the model"),
}


@pytest.mark.parametrize(("arguments", "message"), UNCOMPARABLE.values(), ids=UNCOMPARABLE)
def test_outputs_that_cannot_be_compared_are_refused(arguments, message):
    model = our_fcnn()
    before = values(model)
    with pytest.raises(ks.InputError, match=message) as error:
        ks.interop.load_torch(model, fcnn().state_dict(), **arguments)
    assert "\n" not in str(error.value)
    for now, then in zip(values(model), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_an_unbuilt_model_is_refused_with_outputs_too():
    arguments = {"inputs": np.ones((2, 10)), "outputs": np.ones((2, 1))}
    with pytest.raises(ks.InputError, match="`model` must be built"):
        ks.interop.load_torch(keras.Sequential([layers.Dense(2)]), fcnn().state_dict(), **arguments)


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


FILES = {
    "code_in_a_state_dict": lambda path, evil: torch.save({"0.weight": evil}, path),
    "code_in_a_pickle": lambda path, evil: path.write_bytes(pickle.dumps(evil, protocol=2)),
    "a_module": lambda path, evil: torch.save(fcnn(), path),
    "a_number": lambda path, evil: torch.save(3, path),
    "text": lambda path, evil: path.write_text("weights"),
    "nothing": lambda path, evil: path.touch(),
    "no_file": lambda path, evil: None,
}


@pytest.mark.parametrize("write", FILES.values(), ids=FILES)
def test_files_of_anything_else_are_refused_and_run_nothing(write, tmp_path):
    path, trace = tmp_path / "state.pt", tmp_path / "trace"
    write(path, Malicious(str(trace)))
    with pytest.raises(ks.InputError) as error:
        ks.interop.load_torch(our_fcnn(), path)
    assert "\n" not in str(error.value) and not trace.exists()


def test_a_cut_file_is_refused(tmp_path):
    path = tmp_path / "state.pt"
    ks.interop.save_torch(our_fcnn(), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ks.InputError, match="must be whole.*state.pt"):
        ks.interop.load_torch(our_fcnn(), path)


# A round trip that needs no PyTorch where that is not the backend.
PROGRAM = """
import json, sys
import numpy as np, keras, keras_sharpness as ks
from keras import layers

model = keras.Sequential([
    keras.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(2)
])
state = dict(np.load(sys.argv[1]))
x = state.pop("x")
ks.interop.load_torch(model, state)
back = ks.interop.to_torch(model, state)
assert all(np.array_equal(back[name], state[name]) for name in state)
assert keras.config.backend() == "torch" or "torch" not in sys.modules
print(json.dumps(keras.ops.convert_to_numpy(model(x)).tolist()))
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends(backend, tmp_path, run_python):
    pytest.importorskip(backend)
    module = randomize(nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3, eps=1e-3), nn.Flatten(), nn.Linear(48, 2)))
    module[1].num_batches_tracked.zero_()
    x = np.random.default_rng(0).normal(size=(5, 6, 6, 2)).astype("float32")
    np.savez(tmp_path / "state.npz", x=x, **arrays_of(module))
    process = run_python("-c", PROGRAM, str(tmp_path / "state.npz"), KERAS_BACKEND=backend)
    assert process.returncode == 0, process.stderr[-3000:]
    assert_close(json.loads(process.stdout), predict_in_torch(module, x))
