import numpy as np
import pytest

from keras_sharpness.training.top_eigenvalue import top_eigenvalue


def matrix(values, seed=0):
    rng = np.random.default_rng(seed)
    vectors = np.linalg.qr(rng.normal(size=(len(values),) * 2))[0]
    return vectors * values @ vectors.T, vectors


def test_finds_the_largest_not_the_largest_in_size_and_its_vector():
    a, vectors = matrix(np.linspace(-9, 5, 40))
    found = top_eigenvalue(a.__matmul__, np.ones(40), np.random.default_rng(1))
    assert found.value == pytest.approx(5, rel=1e-4)
    assert np.linalg.norm(a @ found.vector - found.value * found.vector) == pytest.approx(found.residual, abs=1e-9)
    assert abs(vectors[:, -1] @ found.vector) == pytest.approx(1, abs=1e-3)


def test_a_warm_start_saves_products_but_sees_another_eigenvalue_that_has_become_larger():
    a, vectors = matrix(np.linspace(0, 5, 200))
    cold = top_eigenvalue(a.__matmul__, np.ones(200), np.random.default_rng(1))
    warm = top_eigenvalue(a.__matmul__, vectors[:, -1], np.random.default_rng(1))
    assert warm.value == pytest.approx(5, rel=1e-4)
    assert warm.products < cold.products
    other = a + 3 * np.outer(vectors[:, 0], vectors[:, 0]) * 2
    assert top_eigenvalue(other.__matmul__, vectors[:, -1], np.random.default_rng(1)).value == pytest.approx(6, 1e-4)


def test_what_is_not_finite_is_nan():
    found = top_eigenvalue(lambda v: np.full(3, np.nan), np.ones(3), np.random.default_rng(0))
    assert np.isnan(found.value)
    assert np.isfinite(found.vector).all()


def test_a_matrix_of_zeros():
    assert top_eigenvalue(lambda v: 0 * v, np.ones(3), np.random.default_rng(0)).value == 0
