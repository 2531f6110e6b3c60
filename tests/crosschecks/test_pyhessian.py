"""Hessians against those of PyHessian 0.1, whose eigenvalues come from power iterations: the largest magnitude first.

Its spectral density is left out: it calls torch.eig, which PyTorch has removed.
"""

import copy

import keras
import numpy as np
import pytest

import keras_sharpness as ks

torch = pytest.importorskip("torch")
pyhessian = pytest.importorskip("pyhessian")

pytestmark = pytest.mark.filterwarnings("ignore:Using backward.. with create_graph=True:UserWarning")


@pytest.fixture
def theirs(twins):
    torch.manual_seed(0)
    return pyhessian.hessian(copy.deepcopy(twins.module).float(), twins.criterion, data=batch(twins), cuda=False)


def batch(twins):
    return torch.tensor(twins.x), torch.tensor(twins.y)


def flat(tensors) -> np.ndarray:
    return torch.cat([t.detach().ravel() for t in tensors]).numpy()


def test_top_eigenvalues(twins, theirs):
    expected, vectors = theirs.eigenvalues(maxIter=3000, tol=1e-7, top_n=2)
    found = ks.hessian.top_eigenvalues(*twins.arguments, k=2, which="magnitude")
    np.testing.assert_allclose(found.values, expected, rtol=1e-3)
    for ours, vector in zip(found.vectors, vectors, strict=True):
        assert abs(ours[twins.order] @ flat(vector)) == pytest.approx(1, abs=0.01)


def test_top_eigenvalue_of_minus_the_loss(twins):
    """Its sign is the other one."""
    torch.manual_seed(0)
    module, criterion = copy.deepcopy(twins.module).float(), lambda *arguments: -twins.criterion(*arguments)
    theirs = pyhessian.hessian(module, criterion, data=batch(twins), cuda=False)
    (expected,), _ = theirs.eigenvalues(maxIter=1000, tol=1e-6)
    loss = keras.losses.get(twins.loss)
    found = ks.hessian.top_eigenvalues(twins.model, twins.x, twins.y, lambda *arguments: -loss(*arguments))
    assert found.values[0] == pytest.approx(expected, rel=1e-3)
    plain = ks.hessian.top_eigenvalues(*twins.arguments)
    assert plain.values[0] == pytest.approx(-expected, rel=1e-3)


def test_trace(twins, theirs):
    # Any other tolerance ends the iterations where the mean so far is negative, as it is not taken absolutely there.
    samples = np.array(theirs.trace(maxIter=200, tol=-np.inf))
    assert len(samples) == 200
    expected, error = samples.mean(), samples.std(ddof=1) / np.sqrt(len(samples))
    found = ks.hessian.trace(*twins.arguments, method="hutchinson", num_products=200)
    assert abs(found.value - expected) < 4 * np.hypot(found.standard_error, error)
    assert found.standard_error == pytest.approx(error, rel=0.3)
    found = ks.hessian.trace(*twins.arguments, num_products=90)
    assert abs(found.value - expected) < 4 * np.hypot(found.standard_error, error)
