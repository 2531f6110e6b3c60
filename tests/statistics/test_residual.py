import numpy as np
import pytest
import scipy.stats

from keras_sharpness.statistics.residual import normal_scores, residual_tau


def test_normal_scores_keep_the_order_and_forget_the_scale():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 999))
    scores = normal_scores(np.stack([x[0], np.exp(3 * x[1])]))
    np.testing.assert_array_equal(scores.argsort(axis=1), x.argsort(axis=1))
    np.testing.assert_allclose(scores.std(axis=1), 1, atol=0.02)
    np.testing.assert_allclose(scores.sum(axis=1), 0, atol=1e-9)


@pytest.mark.parametrize("shape", ["line", "parabola"])
def test_what_a_third_quantity_explains_leaves_nothing(shape):
    rng = np.random.default_rng(1)
    z = rng.normal(size=4000)
    explained = z if shape == "line" else z**2
    x, y = explained + 0.3 * rng.normal(size=4000), explained + 0.3 * rng.normal(size=4000)
    assert scipy.stats.kendalltau(x, y).statistic > 0.5
    assert abs(residual_tau(np.stack([x, y, z]))) < 0.04


def test_what_it_does_not_explain_stays():
    rng = np.random.default_rng(2)
    z, shared = rng.normal(size=(2, 4000))
    x, y = z + shared + 0.1 * rng.normal(size=4000), z - shared + 0.1 * rng.normal(size=4000)
    assert abs(scipy.stats.kendalltau(x, y).statistic) < 0.05
    assert residual_tau(np.stack([x, y, z])) < -0.8
