import gc

import keras
import numpy as np
import pytest
import scipy.sparse.linalg

import keras_sharpness as ks
from keras_sharpness import backend
from keras_sharpness.errors import InputError
from tests.support.dense_curvature import CROSS_ENTROPY, dense


@pytest.fixture
def problem():
    return dense("cross_entropy")


@pytest.fixture
def compiled(monkeypatch):
    """Returns the list of functions that are compiled from here on."""
    functions, compile = [], backend.compile
    monkeypatch.setattr(backend, "compile", lambda fn: functions.append(fn) or compile(fn))
    return functions


def test_an_operator_is_a_symmetric_matrix_for_scipy(problem):
    matrix, dense = ks.hessian.operator(*problem.arguments), problem.matrix("hessian")
    assert isinstance(matrix, scipy.sparse.linalg.LinearOperator)
    assert (matrix.shape, matrix.dtype, matrix.kind) == ((31, 31), np.float64, "hessian")
    vector = np.random.default_rng(0).normal(size=31)
    for product in (matrix @ vector, matrix.H @ vector, matrix.T @ vector, matrix.rmatvec(vector)):
        np.testing.assert_allclose(product, dense @ vector, rtol=1e-4, atol=1e-5)
    assert (matrix @ vector[:, None]).shape == (31, 1)
    damped = matrix + 3 * scipy.sparse.linalg.aslinearoperator(np.eye(31))
    np.testing.assert_allclose(damped @ vector, dense @ vector + 3 * vector, rtol=1e-4, atol=1e-5)


def test_one_operator_serves_all_and_is_compiled_once(problem, compiled):
    matrix, dense = ks.hessian.operator(*problem.arguments), problem.matrix("hessian")
    true = np.linalg.eigvalsh(dense)
    assert len(compiled) > 0
    compiled.clear()
    assert ks.hessian.trace(matrix, num_products=93).value == pytest.approx(np.trace(dense), rel=1e-4)
    assert ks.hessian.top_eigenvalues(matrix, which="largest").values[0] == pytest.approx(true[-1], rel=1e-4)
    density = ks.hessian.spectral_density(matrix, num_runs=1, num_steps=31)
    assert density.nodes[0][-1] == pytest.approx(true[-1], rel=1e-4)
    found = scipy.sparse.linalg.eigsh(matrix, k=2, which="SA", return_eigenvectors=False)
    np.testing.assert_allclose(sorted(found), true[:2], rtol=1e-4)
    assert not compiled


@pytest.mark.skipif(keras.config.backend() == "torch", reason="PyTorch traces nothing")
def test_products_trace_the_loss_once(problem):
    calls = []

    def loss(targets, outputs):
        calls.append(1)
        return CROSS_ENTROPY(targets, outputs)

    matrix = ks.hessian.operator(problem.model, problem.x, problem.y, loss)
    matrix @ np.ones(31)
    calls.clear()
    ks.hessian.trace(matrix)
    matrix @ np.zeros(31)
    assert not calls


@pytest.mark.skipif(keras.config.backend() == "torch", reason="PyTorch compiles nothing")
def test_another_operator_of_the_model_compiles_nothing(problem, compiled):
    first = ks.hessian.operator(*problem.arguments, kind="ggn") @ np.ones(31)
    compiled.clear()
    ks.hessian.operator(*problem.arguments, kind="ggn", scaling="adaptive")
    ks.hessian.operator(*problem.arguments, kind="ggn", select="out")
    problem.model.trainable_variables[0].assign(np.zeros((3, 4)))
    assert not np.allclose(ks.hessian.operator(*problem.arguments, kind="ggn") @ np.ones(31), first)
    assert not compiled


def test_weights_changed_later_do_not_change_an_operator():
    problem = dense("mse")
    model = keras.Sequential([problem.model.layers[0], keras.layers.BatchNormalization(), problem.model.layers[1]])
    model.build((None, 3))
    matrix = ks.hessian.operator(model, problem.x, problem.y, "mean_squared_error", kind="ggn")
    vector = np.ones(matrix.shape[0])
    before, loss = matrix @ vector, matrix.mean_loss.loss(0 * vector)
    for variable in model.variables:
        variable.assign(variable.value + 1)
    np.testing.assert_array_equal(matrix @ vector, before)
    assert matrix.mean_loss.loss(0 * vector) == loss
    again = ks.hessian.operator(model, problem.x, problem.y, "mean_squared_error", kind="ggn")
    assert not np.allclose(again @ vector, before, rtol=1e-2)


def test_an_operator_outlives_the_names_of_its_model():
    problem = dense("mse")
    expected = problem.matrix("hessian") @ np.ones(31)
    matrix = ks.hessian.operator(*problem.arguments)
    del problem
    gc.collect()
    np.testing.assert_allclose(matrix @ np.ones(31), expected, rtol=1e-4, atol=1e-5)


def test_a_sample_and_any_linear_operator_will_do(problem):
    sample = ks.Sample(*problem.arguments, m=4, num_batches=2)  # the Hessian is of all examples
    expected = ks.hessian.trace(*problem.arguments, kind="fisher", scaling="adaptive", seed=2)
    assert ks.hessian.trace(sample, kind="fisher", scaling="adaptive", seed=2).value == expected.value
    matrix = np.diag([3.0, -5, 1, 0, 2])
    operator = scipy.sparse.linalg.aslinearoperator(matrix)
    assert ks.hessian.trace(operator, method="hutchinson").value == pytest.approx(1)
    assert ks.hessian.top_eigenvalues(operator, k=2).values == pytest.approx([-5, 3])
    nodes = ks.hessian.spectral_density(operator, num_runs=1, num_steps=5).nodes[0]
    np.testing.assert_allclose(nodes, [-5, 0, 1, 2, 3], atol=1e-9)


MEASURES = [ks.hessian.trace, ks.hessian.top_eigenvalues, ks.hessian.spectral_density]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("given", [{"x": np.zeros((2, 3))}, {"y": np.zeros(2)}, {"loss": "mse"}, {"kind": "ggn"}])
def test_an_operator_is_refused_together_with_what_it_holds(measure, given):
    operator = scipy.sparse.linalg.aslinearoperator(np.eye(5))
    name = next(iter(given))
    with pytest.raises(InputError, match=f"an operator must be given without what it holds already.*{name}"):
        measure(operator, **given)


@pytest.mark.parametrize("measure", MEASURES)
def test_an_operator_that_is_not_square_is_refused(measure):
    with pytest.raises(InputError, match=r"an operator must be a symmetric matrix. Received: shape=\(2, 3\)"):
        measure(scipy.sparse.linalg.aslinearoperator(np.ones((2, 3))))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "kfac"}, "`kind` must be one of hessian, ggn, fisher. Received: kind='kfac'"),
        ({"kind": "fisher", "training": True}, '`training` must be False for kind="fisher", since batch statistics'),
        ({"scaling": "x"}, "`scaling` must be one of"),
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"m": 3}, "further arguments must be among"),
    ],
)
def test_bad_arguments_are_refused(problem, given, message):
    with pytest.raises(InputError, match=message):
        ks.hessian.operator(*problem.arguments, **given)
