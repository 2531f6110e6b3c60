import concurrent.futures

import keras
import pytest

if keras.config.backend() != "torch":
    pytest.skip("particulars of PyTorch", allow_module_level=True)

import numpy as np
import torch
from keras import ops

import keras_sharpness as ks
from keras_sharpness import backend
from keras_sharpness.errors import InputError

X = np.random.default_rng(0).normal(size=(20, 6, 8)).astype("float32")
Y = np.sin(X[:, 0, :1])


def test_compiled_functions_record_no_graph():
    weight = torch.ones(2, requires_grad=True)
    assert not backend.compile(lambda x: x * weight)(torch.ones(2)).requires_grad


def test_repeatable_draws_the_same_and_leaves_the_generator():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    draws = []
    for _ in range(2):
        with backend.repeatable():
            draws.append(torch.rand(2))
    assert torch.equal(*draws)
    assert torch.equal(torch.rand(2), expected)


def test_a_sparse_product_can_be_differentiated_twice():
    matrix = np.asarray([[1, 0, 2], [0, 0, 3]], "float32")
    product = backend.sparse_product(matrix)
    direction = ops.convert_to_tensor([[1.0], [0.0], [0.0]])
    (hessian_column,) = backend.hvp(lambda w: ops.sum(product(w[0]) ** 2))([ops.ones((3, 1))], [direction])
    np.testing.assert_allclose(ops.convert_to_numpy(hessian_column), 2 * matrix.T @ matrix[:, :1])


@ops.custom_gradient
def doubled(x):
    return 2 * x, lambda *args, upstream: 2 * upstream


class Doubling(keras.layers.Layer):
    def call(self, x):
        return doubled(x)


def test_custom_gradients_are_followed():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Flatten(), keras.layers.Dense(3, activation="tanh"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((6, 8)), *layers[:2], Doubling(), layers[2]])
    twin = keras.Sequential([keras.Input((6, 8)), *layers[:2], keras.layers.Rescaling(2.0), layers[2]])
    models = (model, X, Y, "mean_squared_error"), (twin, X, Y, "mean_squared_error")
    options = {"rho": 0.1, "m": 8, "num_batches": 2}
    np.testing.assert_allclose(*(ks.worst_case_sharpness(*of, **options).losses for of in models), rtol=1e-5)
    for kind in ("ggn", "fisher"):
        np.testing.assert_allclose(*(ks.hessian.trace(*of, kind=kind).value for of in models), rtol=1e-4)
    with pytest.raises(InputError, match='must have a second derivative, or `derivatives` be "differences"'):
        ks.hessian.trace(*models[0])
    differences = ks.hessian.trace(*models[0], derivatives="differences").value
    assert differences == pytest.approx(ks.hessian.trace(*models[1]).value, rel=1e-2)


def test_losses_that_branch_on_their_targets():
    model = keras.Sequential([keras.Input((6, 8)), keras.layers.Flatten(), keras.layers.Dense(1)])
    of = (model, X, np.sign(Y), "hinge")
    options = {"rho": 0.1, "m": 8, "num_batches": 3}
    expected = ks.worst_case_sharpness(*of, plan="sequential", **options).losses
    np.testing.assert_allclose(ks.worst_case_sharpness(*of, **options).losses, expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["hessian", "ggn", "fisher"])
def test_second_derivatives_of_attention(kind):
    inputs = keras.Input((6, 8))
    attended = keras.layers.MultiHeadAttention(2, 4)(inputs, inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.GlobalAveragePooling1D()(attended)))
    exact, differences = (
        ks.hessian.operator(model, X, Y, "mean_squared_error", kind=kind, derivatives=name)
        for name in ("exact", "differences")
    )
    v = np.random.default_rng(0).normal(size=exact.shape[0])
    np.testing.assert_allclose(differences @ v, exact @ v, atol=5e-3 * np.linalg.norm(exact @ v))


def test_threads_do_not_draw_from_each_others_noise():
    def draw(_):
        with backend.repeatable():
            return [float(torch.rand(())) for _ in range(50)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        first, *others = pool.map(draw, range(64))
    assert all(other == first for other in others)
