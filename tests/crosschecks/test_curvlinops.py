"""Curvature matrices against those of curvlinops (curvlinops-for-pytorch 3.0.1), which works in float64 here."""

import numpy as np
import pytest
import scipy.sparse.linalg

import keras_sharpness as ks

torch = pytest.importorskip("torch")
curvlinops = pytest.importorskip("curvlinops")

# PyTorch's own, where its function transforms load.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is:DeprecationWarning")

BATCH_SIZE = 8
OPERATORS = {
    "hessian": curvlinops.HessianLinearOperator,
    "ggn": curvlinops.GGNLinearOperator,
    "fisher": curvlinops.EFLinearOperator,
}


def theirs(twins, kind):
    """The matrix over batches of unequal sizes."""
    x, y = torch.tensor(twins.x, dtype=torch.float64), torch.tensor(twins.y)
    y = y.double() if y.is_floating_point() else y
    batches = list(zip(x.split(BATCH_SIZE), y.split(BATCH_SIZE), strict=True))
    return OPERATORS[kind](twins.module, twins.criterion, list(twins.module.parameters()), batches)


@pytest.fixture(scope="module")
def operator(twins):
    return theirs(twins, "hessian")


@pytest.fixture(scope="module")
def matrix(operator):
    return (operator @ torch.eye(operator.shape[1], dtype=torch.float64)).detach().numpy()


@pytest.mark.parametrize("batch_size", [None, BATCH_SIZE])
@pytest.mark.parametrize("kind", OPERATORS)
def test_products(twins, kind, batch_size):
    ours, operator = ks.hessian.operator(*twins.arguments, kind=kind, batch_size=batch_size), theirs(twins, kind)
    # The loss of an example is a mean over outputs here. Their Fisher takes each output's squared error for a loss.
    factor = twins.y.shape[1] if kind == "fisher" and twins.y.ndim == 2 else 1
    for vector in np.random.default_rng(1).normal(size=(3, ours.shape[0])):
        expected = (operator @ torch.tensor(vector[twins.order])).detach().numpy()
        product = factor * (ours @ vector)[twins.order]
        np.testing.assert_allclose(product, expected, rtol=0, atol=1e-5 * np.linalg.norm(expected))


@pytest.mark.parametrize(("which", "key"), [("largest", "LA"), ("smallest", "SA"), ("magnitude", "LM")])
def test_eigenvalues(twins, operator, which, key):
    k = 3
    expected, vectors = scipy.sparse.linalg.eigsh(operator.to_scipy(), k, which=key, v0=np.ones(operator.shape[0]))
    order = np.argsort({"LA": -expected, "SA": expected, "LM": -np.abs(expected)}[key])
    found = ks.hessian.top_eigenvalues(*twins.arguments, k=k, which=which)
    np.testing.assert_allclose(found.values, expected[order], rtol=1e-3)
    overlaps = np.sum(found.vectors[:, twins.order] * vectors.T[order], axis=1)
    np.testing.assert_allclose(np.abs(overlaps), 1, atol=1e-3)


def test_smallest_eigenvalue_is_negative(matrix):
    """Otherwise the comparison above would not tell signs."""
    values = np.linalg.eigvalsh(matrix)
    assert values[0] < -0.01 and values[-1] > 0.01


@pytest.mark.parametrize("method", ["hutchinson", "hutch++"])
def test_trace(twins, matrix, method):
    found = ks.hessian.trace(*twins.arguments, method=method, num_products=60)
    assert abs(found.value - np.trace(matrix)) < 4 * found.standard_error


def test_trace_is_exact_with_enough_products(twins, matrix):
    found = ks.hessian.trace(*twins.arguments, method="hutch++", num_products=3 * len(matrix))
    assert found.value == pytest.approx(np.trace(matrix), rel=1e-4)


def test_hutchinson(twins, operator, matrix):
    """Both estimates, and the standard error, which is known for random signs."""
    num_products = len(matrix) - 1
    variance = 2 * (np.sum(matrix**2) - np.sum(np.diag(matrix) ** 2))
    error = np.sqrt(variance / num_products)
    torch.manual_seed(0)
    theirs = curvlinops.hutchinson_trace(operator, num_products).item()
    ours = ks.hessian.trace(*twins.arguments, method="hutchinson", num_products=num_products)
    assert abs(ours.value - theirs) < 4 * np.sqrt(2) * error
    assert ours.standard_error == pytest.approx(error, rel=0.5)
