"""Each backend offers what the contract says. The modules themselves are checked by mypy too."""

import importlib.util
import inspect

import keras
import numpy as np
import pytest
from keras import ops

import keras_sharpness.backend.contract as contract
from keras_sharpness import backend

RNG = np.random.default_rng(0)


def tensor(values):
    return ops.convert_to_tensor(np.asarray(values, "float32"))


def cubic(weights):
    return ops.sum(weights[0] ** 3) + ops.sum(weights[0]) * ops.sum(weights[1] ** 2)


def test_hvp_is_the_dense_hessian_times_the_direction():
    a, b, u, v = RNG.normal(size=(4, 3))
    run = backend.compile(lambda point, direction: backend.hvp(cubic)(point, direction))
    first, second = run([tensor(a), tensor(b)], [tensor(u), tensor(v)])
    np.testing.assert_allclose(ops.convert_to_numpy(first), 6 * a * u + 2 * (b @ v), rtol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(second), 2 * b * u.sum() + 2 * a.sum() * v, rtol=1e-5)


@pytest.mark.parametrize("binary", [True, False])
def test_sparse_product_and_its_gradient(binary):
    matrix = (RNG.random((7, 5)) < 0.3).astype("float32") * (1 if binary else RNG.normal(size=(7, 5)))
    matrix[2], matrix[:, 3] = 0, 0
    matrix, dense, factor = matrix.astype("float32"), RNG.normal(size=(5, 4)), RNG.normal(size=(7, 4))
    product = backend.sparse_product(matrix)

    def weighted(weights):
        out = product(weights[0])
        return ops.sum(out * tensor(factor)), out

    (_, out), (gradient,) = backend.compile(backend.value_and_grad(weighted, has_aux=True))([tensor(dense)])
    np.testing.assert_allclose(ops.convert_to_numpy(out), matrix @ dense, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), matrix.T @ factor, rtol=1e-5, atol=1e-6)


def test_the_gradient_of_training_says_what_the_loss_does_not_depend_on():
    def loss(weights):
        return ops.sum(weights[0] ** 2), {"seen": weights[0]}

    (value, rest), (first, second) = backend.training_gradient(loss)([tensor([1.0, 2.0]), tensor([3.0])])
    assert float(value) == 5
    np.testing.assert_array_equal(ops.convert_to_numpy(rest["seen"]), [1, 2])
    np.testing.assert_array_equal(ops.convert_to_numpy(first), [2, 4])
    assert second is None or not np.any(ops.convert_to_numpy(second))
    assert (second is None) == (keras.config.backend() != "jax")


def test_replayed_draws_repeat_and_leave_the_generator_as_it_was():
    layer = keras.layers.Dropout(0.5)

    def draw():
        # On TensorFlow and JAX the layer's own seed says what is drawn, in the scope of which it is held fixed.
        mapping = [(v, v.value) for v in layer.variables]
        with keras.StatelessScope(state_mapping=mapping):
            return ops.convert_to_numpy(layer(ops.ones((50,)), training=True))

    again = backend.replay()
    first = draw()
    with again():
        np.testing.assert_array_equal(draw(), first)
    with again():
        draw()
    following = draw()
    with again():
        draw()
        if keras.config.backend() == "torch":
            np.testing.assert_array_equal(draw(), following)


CONTRACT = {name for name in vars(contract.Backend) if not name.startswith("_")} | set(contract.Backend.__annotations__)
MODULES = [name for name in ("jax", "tensorflow", "torch") if importlib.util.find_spec(name)]


def parameters(fn):
    return [(p.name, p.kind, p.default) for p in inspect.signature(fn).parameters.values()]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_offers_the_names_of_the_contract_with_the_same_parameters(name):
    module = importlib.import_module(f"keras_sharpness.backend.{name}")
    for attribute in CONTRACT:
        declared = getattr(contract.Backend, attribute, None)
        if declared is None:
            assert isinstance(getattr(module, attribute), bool)
            continue
        # Annotations are mypy's.
        expected, found = parameters(declared)[1:], parameters(getattr(module, attribute))
        assert found == expected, attribute
    own = {key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    assert {key for key in own if not key.startswith("_")} <= CONTRACT


def test_the_package_offers_every_name_of_the_contract_and_each_has_a_documentation():
    for attribute in CONTRACT:
        assert hasattr(backend, attribute), attribute
        declared = getattr(contract.Backend, attribute, None)
        assert (declared or contract.Backend).__doc__ and (declared or attribute in contract.Backend.__doc__)


def dense():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(3)])


def convolutional():
    layers = keras.layers
    features = [keras.Input((6, 6, 2)), layers.Conv2D(3, 3, activation="tanh"), layers.BatchNormalization()]
    return keras.Sequential([*features, layers.AveragePooling2D(2), layers.Flatten(), layers.Dense(3)])


def embedding():
    layers = keras.layers
    steps = [keras.Input((5,), dtype="int32"), layers.Embedding(7, 4), layers.Conv1D(3, 2, activation="tanh")]
    return keras.Sequential([*steps, layers.GlobalAveragePooling1D(), layers.Dense(3)])


def scanned():
    """A recurrent network, whose loop is one of the backend's."""
    return keras.Sequential([keras.Input((4, 3)), keras.layers.SimpleRNN(4), keras.layers.Dense(3)])


NETWORKS = {
    "dense": (dense, (6, 4)),
    "conv": (convolutional, (6, 6, 6, 2)),
    "embedding": (embedding, (6, 5)),
    "recurrent": (scanned, (6, 4, 3)),
}


def function_of_weights(name):
    """Returns logits and cross-entropies of a network as a function of its weights, and a point."""
    make, shape = NETWORKS[name]
    keras.utils.set_random_seed(0)
    model, rng = make(), np.random.default_rng(1)
    x = rng.integers(0, 7, shape).astype("int32") if name == "embedding" else tensor(rng.normal(size=shape))
    labels = ops.convert_to_tensor(rng.integers(0, 3, shape[0]).astype("int32"))
    state = [v.value for v in model.non_trainable_variables]

    def fn(weights):
        # In training mode, for the mean and variance of a batch.
        logits = model.stateless_call(weights, state, ops.convert_to_tensor(x), training=name == "conv")[0]
        losses = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        return {"logits": logits, "losses": (losses, ops.sum(losses))}

    return fn, [v.value for v in model.trainable_variables]


def random_like(structure, seed):
    rng = np.random.default_rng(seed)
    return keras.tree.map_structure(lambda a: tensor(rng.normal(size=tuple(a.shape))), structure)


def inner(a, b):
    pairs = zip(keras.tree.flatten(a), keras.tree.flatten(b), strict=True)
    return sum(np.vdot(ops.convert_to_numpy(x).astype("float64"), ops.convert_to_numpy(y)) for x, y in pairs)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_jvp_is_the_slope_of_the_value(name):
    fn, point = function_of_weights(name)
    direction, size = random_like(point, 2), 1e-2
    value, slope = backend.compile(backend.jvp(fn))(point, direction)
    here = fn(point)
    ahead, behind = (fn([w + s * d for w, d in zip(point, direction, strict=True)]) for s in (size, -size))
    keras.tree.assert_same_structure(value, here)
    keras.tree.assert_same_structure(slope, here)
    for leaf in zip(*map(keras.tree.flatten, (value, here, slope, ahead, behind)), strict=True):
        got, expected, derivative, after, before = map(ops.convert_to_numpy, leaf)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(derivative, (after - before) / (2 * size), rtol=3e-2, atol=3e-2)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_vjp_is_the_transpose_of_jvp(name):
    fn, point = function_of_weights(name)
    direction, cotangent = random_like(point, 2), random_like(fn(point), 3)
    _, slope = backend.compile(backend.jvp(fn))(point, direction)
    value, gradient = backend.compile(backend.vjp(fn))(point, cotangent)
    keras.tree.assert_same_structure(value, cotangent)
    assert [g.shape for g in gradient] == [w.shape for w in point]
    assert inner(slope, cotangent) == pytest.approx(inner(gradient, direction), rel=1e-4)


def test_vjp_of_a_loss_is_its_gradient():
    fn, point = function_of_weights("conv")
    _, expected = backend.value_and_grad(lambda w: fn(w)["losses"][1])(point)
    _, gradient = backend.vjp(lambda w: fn(w)["losses"][1])(point, ops.ones(()))
    for a, b in zip(gradient, expected, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(a), ops.convert_to_numpy(b), rtol=1e-5, atol=1e-6)


def test_what_is_not_connected_has_derivatives_of_zeros():
    point, direction = [tensor([1, 2]), tensor([3])], [tensor([5, 7]), tensor([11])]

    def fn(weights):
        return {"square": weights[0] ** 2, "constant": tensor([1, 2, 3])}

    value, slope = backend.compile(backend.jvp(fn))(point, direction)
    np.testing.assert_array_equal(ops.convert_to_numpy(value["constant"]), [1, 2, 3])
    np.testing.assert_array_equal(ops.convert_to_numpy(slope["constant"]), [0, 0, 0])
    np.testing.assert_array_equal(ops.convert_to_numpy(slope["square"]), [10, 28])
    _, (first, second) = backend.compile(backend.vjp(fn))(
        point, {"square": tensor([1, 1]), "constant": tensor([1, 1, 1])}
    )
    np.testing.assert_array_equal(ops.convert_to_numpy(first), [2, 4])
    np.testing.assert_array_equal(ops.convert_to_numpy(second), [0])


def test_jvp_reaches_into_a_scan():
    def fn(weights):
        return backend.scan(lambda carry, x: (carry * x, carry + x), weights[0], weights[1])

    # (c, x) -> end = c x0 x1, outputs c + x0 and c x0 + x1.
    point, direction = [tensor(2), tensor([3, 5])], [tensor(1), tensor([0, 0])]
    (end, outputs), (end_slope, slopes) = backend.compile(backend.jvp(fn))(point, direction)
    assert (float(end), float(end_slope)) == (30, 15)
    np.testing.assert_allclose(ops.convert_to_numpy(outputs), [5, 11])
    np.testing.assert_allclose(ops.convert_to_numpy(slopes), [1, 3])


def test_jvp_goes_through_a_sparse_product():
    matrix = (RNG.random((7, 5)) < 0.4).astype("float32")
    product, direction = backend.sparse_product(matrix), RNG.normal(size=(5, 4))
    _, slope = backend.compile(backend.jvp(lambda w: product(w[0])))([tensor(np.ones((5, 4)))], [tensor(direction)])
    np.testing.assert_allclose(ops.convert_to_numpy(slope), matrix @ direction, rtol=1e-5, atol=1e-6)


def test_choose_is_by_a_scalar_alone_and_for_each_copy():
    a, b = ([tensor(np.full(shape, value)) for shape in ((2, 3), (2,))] for value in (1, 0))
    for condition in (True, False):
        found = backend.compile(backend.choose)(ops.convert_to_tensor(condition), a, b)
        for array, like in zip(found, a, strict=True):
            np.testing.assert_array_equal(ops.convert_to_numpy(array), np.full(like.shape, condition))
    each = backend.vectorize(backend.choose, in_axes=(0, 0, 0))
    matrix, vector = backend.compile(each)(ops.convert_to_tensor([True, False]), a, b)
    np.testing.assert_array_equal(ops.convert_to_numpy(matrix), [[1, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal(ops.convert_to_numpy(vector), [1, 0])
