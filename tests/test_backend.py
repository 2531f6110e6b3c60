import numpy as np
import pytest
from keras import ops

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


@pytest.mark.parametrize("scan", [backend.scan, backend.unrolled])
def test_scan_threads_the_carry_and_stacks(scan):
    def total(xs):
        return scan(lambda carry, x: (carry + x, carry * x), ops.zeros(()), xs)

    end, products = backend.compile(total)(tensor([1, 2, 3]))
    assert float(end) == 6
    np.testing.assert_allclose(ops.convert_to_numpy(products), [0, 2, 9])
    assert float(backend.compile(lambda x: scan(lambda c, _: (c * 2, c), x, length=3)[0])(tensor(1.0))) == 8
