import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from keras_sharpness.measures.hessian import lanczos


def in_geometry(hessian, scale):
    return scale[:, None] * hessian * scale


def test_products_and_gradient(small, flat, dense_hessian, operator):
    mean_loss = operator.mean_loss
    vector = np.random.default_rng(1).normal(size=len(flat))
    np.testing.assert_allclose(operator @ vector, dense_hessian @ vector, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(mean_loss.weights, flat, rtol=1e-6)
    loss, gradient = mean_loss.gradient()
    step = 1e-4
    assert mean_loss.loss(step * vector) - mean_loss.loss(-step * vector) == pytest.approx(
        2 * step * gradient @ vector, rel=0.02
    )
    assert mean_loss.loss(0 * vector) == pytest.approx(loss, rel=1e-6)


def test_adaptive_geometry_and_pieces(small, flat, dense_hessian):
    adaptive = ks.hessian.operator(*small, scaling="adaptive", batch_size=7)  # pieces of 7, 7 and 6
    vector = np.random.default_rng(1).normal(size=len(flat))
    expected = in_geometry(dense_hessian, np.abs(flat)) @ vector
    np.testing.assert_allclose(adaptive @ vector, expected, rtol=1e-3, atol=1e-4)


def test_selected_weights_are_a_block(small, dense_hessian):
    block = ks.hessian.operator(*small, select="out")
    assert block.shape == (10, 10)
    np.testing.assert_allclose(block @ np.eye(10), dense_hessian[-10:, -10:], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("scaling", ["none", "adaptive"])
@pytest.mark.parametrize("which", ["magnitude", "largest", "smallest"])
@pytest.mark.parametrize("k", [1, 3, 26])
def test_eigenvalues_of_either_sign(small, flat, dense_hessian, scaling, which, k):
    scale = np.abs(flat) if scaling == "adaptive" else np.ones(26)
    true = np.linalg.eigvalsh(in_geometry(dense_hessian, scale))
    order = {"magnitude": np.argsort(-np.abs(true)), "largest": np.argsort(-true), "smallest": np.argsort(true)}[which]
    found = ks.hessian.top_eigenvalues(*small, k=k, which=which, scaling=scaling)
    np.testing.assert_allclose(found.values, true[order[:k]], rtol=2e-3, atol=2e-3)
    assert (found.residuals < 1e-2 * np.abs(true).max()).all()
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, rtol=1e-6)
    assert true.min() < 0 < true.max()  # the signs mean something here


@pytest.mark.parametrize("method", ["hutchinson", "hutch++"])
def test_trace_within_its_standard_error(small, dense_hessian, method):
    true = np.trace(dense_hessian)
    estimates = [ks.hessian.trace(*small, method=method, num_products=24, seed=seed) for seed in range(6)]
    misses = np.array([(e.value - true) / e.standard_error for e in estimates])
    assert np.abs(misses).max() < 4.5
    assert np.abs(misses).mean() > 0.05  # an error bar of any size would do otherwise
    assert np.mean([e.value for e in estimates]) == pytest.approx(true, rel=0.15)


def test_hutch_plus_plus_is_exact_once_it_spans_the_space(small, dense_hessian):
    estimate = ks.hessian.trace(*small, method="hutch++", num_products=90)
    assert estimate.value == pytest.approx(np.trace(dense_hessian), rel=1e-3)


def test_lanczos_finds_spectrum_and_moments():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(12, 12))
    matrix, start = matrix + matrix.T, rng.normal(size=12)
    nodes, weights = lanczos(lambda v: matrix @ v, start, 12)
    np.testing.assert_allclose(nodes, np.linalg.eigvalsh(matrix), rtol=1e-8)
    unit = start / np.linalg.norm(start)
    for power in range(5):
        assert weights @ nodes**power == pytest.approx(unit @ np.linalg.matrix_power(matrix, power) @ unit)
    nodes, weights = lanczos(lambda v: 3 * v, start, 12)
    np.testing.assert_allclose((nodes, weights), ([3], [1]))


def test_spectral_density_integrates_to_one_and_has_the_trace(small, dense_hessian):
    density = ks.hessian.spectral_density(*small, num_runs=40, num_steps=26, width=0.02)
    assert np.trapezoid(density.density, density.grid) == pytest.approx(1, abs=0.01)
    mean = np.trapezoid(density.density * density.grid, density.grid)
    assert 26 * mean == pytest.approx(np.trace(dense_hessian), rel=0.35)
    assert density.nodes[0].max() == pytest.approx(np.linalg.eigvalsh(dense_hessian).max(), rel=1e-3)
    assert density.plot().axes[0].get_xlabel() == "eigenvalue of the Hessian"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: ks.hessian.top_eigenvalues(*s, k=27), "`k` must be 1 to 26"),
        (lambda s: ks.hessian.top_eigenvalues(*s, which="LM"), "`which` must be one of magnitude"),
        (lambda s: ks.hessian.trace(*s, method="exact"), "`method` must be one of hutchinson"),
        (lambda s: ks.hessian.trace(*s, num_products=2), "`num_products` must be at least 3"),
        (lambda s: ks.hessian.spectral_density(*s, num_runs=0), "`num_runs` must be at least 1"),
        (lambda s: ks.hessian.trace(*s, examples=[99]), "`examples` must name examples 0 to 19"),
        (lambda s: ks.hessian.trace(*s, batch_size=0), "`batch_size` must be at least 1"),
        (lambda s: ks.hessian.trace(*s, scaling="x"), "`scaling` must be one of"),
        (lambda s: ks.hessian.trace(*s, select="nothing"), "`select` must name layers or weights"),
    ],
)
def test_bad_arguments_are_refused(small, call, message):
    with pytest.raises(InputError, match=message):
        call(small)


def test_every_sample_of_a_diagonal_hessian_is_its_trace():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, use_bias=False)])
    x = np.diag([1.0, 2, 3, 4, 5, 6]).astype("float32")
    estimate = ks.hessian.trace(model, x, np.zeros((6, 1)), "mean_squared_error", method="hutchinson", num_products=9)
    np.testing.assert_allclose(estimate.samples, np.full(9, 2 * np.mean(np.arange(1, 7) ** 2)), rtol=1e-5)
