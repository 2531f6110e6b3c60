import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.typing import CurvatureName, choices
from tests.support import cases, zoo
from tests.support.dense_curvature import CROSS_ENTROPY, PROBLEMS, dense

KINDS = choices(CurvatureName)
RNG = np.random.default_rng(3)


@pytest.fixture(scope="module", params=PROBLEMS)
def problem(request):
    return PROBLEMS[request.param]()


def assert_close(found, expected, tolerance=1e-5):
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.linalg.norm(expected))


@pytest.mark.parametrize("kind", KINDS)
def test_products_are_those_of_the_dense_matrix(problem, kind):
    matrix = ks.hessian.operator(*problem.arguments, kind=kind)
    vectors = RNG.normal(size=(len(problem.weights), 3))
    for found, expected in zip((matrix @ vectors).T, (problem.matrix(kind) @ vectors).T, strict=True):
        assert_close(found, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_scale_and_selection(kind):
    problem = dense("cross_entropy")
    scale = np.abs(problem.weights)
    expected = (scale[:, None] * problem.matrix(kind) * scale)[-15:, -15:]
    matrix = ks.hessian.operator(
        *problem.arguments, kind=kind, scaling="adaptive", select="out", batch_size=5, examples=np.arange(12)[::-1]
    )  # pieces of 5, 5 and 2
    vector = RNG.normal(size=15)
    assert_close(matrix @ vector, expected @ vector)


def test_the_matrices_differ(problem):
    """Otherwise one could stand for the other above."""
    hessian, ggn, fisher = map(problem.matrix, KINDS)
    for a, b in ((hessian, ggn), (ggn, fisher)):
        assert np.linalg.norm(a - b) > 0.05 * np.linalg.norm(a)


def noisy(*before):
    layers = [keras.layers.Dense(6, activation="tanh"), *before, keras.layers.Dense(3, name="out")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    return model, RNG.normal(size=(10, 4)).astype("float32"), RNG.integers(0, 3, 10), CROSS_ENTROPY


def masked():
    """A label for each token; two in three are padding, which does not count."""
    tokens = RNG.integers(1, 6, (8, 6))
    tokens[:, 2:] = 0
    layers = [keras.layers.Embedding(6, 3, mask_zero=True), keras.layers.Dense(3, name="out")]
    model = keras.Sequential([keras.Input((6,), dtype="int32"), *layers])
    return model, tokens.astype("int32"), RNG.integers(0, 3, (8, 6)), CROSS_ENTROPY


@pytest.mark.parametrize(
    ("make", "training"),
    [
        (lambda: noisy(keras.layers.Dropout(0.5)), True),
        (lambda: noisy(keras.layers.BatchNormalization()), True),
        (masked, False),
    ],
    ids=["dropout", "batch_statistics", "masked"],
)
def test_ggn_is_the_hessian_of_weights_that_outputs_are_linear_in(make, training):
    arguments = make()
    hessian, ggn = (
        ks.hessian.operator(*arguments, kind=kind, select="out", training=training) for kind in ("hessian", "ggn")
    )
    vector = RNG.normal(size=hessian.shape[0])
    assert_close(ggn @ vector, hessian @ vector)


def test_ggn_of_a_model_that_ends_in_softmax_is_its_empirical_fisher():
    """The loss is then -log of one output, whose second derivative is the square of its first."""
    labels = np.eye(3, dtype="float32")[RNG.integers(0, 3, 10)]
    layers = [keras.layers.Dense(6, activation="tanh"), keras.layers.Dense(3, activation="softmax")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    arguments = (model, RNG.normal(size=(10, 4)).astype("float32"), labels, "categorical_crossentropy")
    ggn, fisher = (ks.hessian.operator(*arguments, kind=kind) for kind in ("ggn", "fisher"))
    vector = RNG.normal(size=ggn.shape[0])
    assert_close(ggn @ vector, fisher @ vector)


def test_noise_of_training_is_in_the_product():
    arguments = noisy(keras.layers.Dropout(0.5))
    on, off = (ks.hessian.operator(*arguments, kind="ggn", training=training) for training in (True, False))
    vector = RNG.normal(size=on.shape[0])
    np.testing.assert_array_equal(on @ vector, on @ vector)
    assert np.linalg.norm(on @ vector - off @ vector) > 0.01 * np.linalg.norm(off @ vector)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ggn", "fisher"])
def test_of_the_nodes_of_a_graph(kind):
    """The output's bias is added to every node's logits, so that its block is a mean over the nodes."""
    case, nodes = cases.gat(), np.array([3, 8, 20, 41])
    matrix = ks.hessian.operator(case.model, case.x, case.y, case.loss, examples=nodes, kind=kind, batch_size=3)
    logits = keras.ops.convert_to_numpy(case.model(case.x.inputs))[nodes].astype(np.float64)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    slopes = p - np.eye(7)[case.y[nodes]]
    expected = slopes.T @ slopes / 4 if kind == "fisher" else np.diag(p.mean(axis=0)) - p.T @ p / 4
    assert case.model.trainable_variables[-1].shape == (7,)
    vector = RNG.normal(size=7)
    assert_close((matrix @ np.append(np.zeros(matrix.shape[0] - 7), vector))[-7:], expected @ vector)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["subclassed", "two_inputs_two_outputs", "transformer"])
def test_fisher_rao_norm_is_the_quadratic_form_of_the_fisher(name):
    example = zoo.ZOO[name]()
    arguments = (example.model, example.x, example.y, example.loss)
    matrix = ks.hessian.operator(*arguments, kind="fisher")
    weights = matrix.mean_loss.weights
    assert weights @ (matrix @ weights) == pytest.approx(ks.fisher_rao_norm(*arguments).value, rel=1e-4)
