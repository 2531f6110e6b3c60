import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from tests.support.small_network import loss_at, unflatten


@pytest.fixture(scope="module")
def gradients(small, flat):
    """The gradient of each example's loss, by central differences in float64."""
    model, x, y, _ = small
    steps = 1e-5 * np.eye(len(flat))

    def gradient(k):
        one = x[k : k + 1], y[k : k + 1]
        return [(loss_at(flat + e, model, *one) - loss_at(flat - e, model, *one)) / 2e-5 for e in steps]

    return np.array([gradient(k) for k in range(len(x))])


@pytest.mark.parametrize(("norm", "order"), [("linf", 1), ("l2", 2), ("l1", np.inf)])
def test_gradient_norm(small, flat, gradients, norm, order):
    mean = gradients.mean(axis=0)
    assert ks.gradient_norm(*small, norm=norm) == pytest.approx(np.linalg.norm(mean, order), rel=1e-4)
    adaptive = ks.gradient_norm(*small, norm=norm, scaling="adaptive")
    assert adaptive == pytest.approx(np.linalg.norm(np.abs(flat) * mean, order), rel=1e-4)
    # rho times it is the sharpness of a small ball.
    r = ks.worst_case_sharpness(*small, rho=1e-4, norm=norm, maximizer=ks.SingleStep(), m=None)
    assert r.value == pytest.approx(1e-4 * adaptive, rel=0.05)


def test_fisher_rao_norm(small, flat, gradients):
    expected = (gradients @ flat) ** 2
    estimate = ks.fisher_rao_norm(*small)
    assert estimate.value == pytest.approx(expected.mean(), rel=1e-4)
    assert estimate.standard_error == pytest.approx(expected.std(ddof=1) / np.sqrt(20), rel=1e-4)
    some = ks.fisher_rao_norm(*small, num_examples=5, seed=3)
    assert len(some.samples) == 5
    assert set(np.round(some.samples, 4)) <= set(np.round(estimate.samples, 4))
    # The last layer alone: its outputs are linear in it.
    last = ks.fisher_rao_norm(*small, select="out")
    assert last.value == pytest.approx(((gradients[:, -10:] @ flat[-10:]) ** 2).mean(), rel=1e-4)


@pytest.mark.parametrize(("layer", "place"), [("out", 2), (None, 2), ("sequential*", 2)])
def test_relative_flatness(small, flat, dense_hessian, layer, place):
    model = small[0]
    kernel = unflatten(flat, model)[place]
    start = sum(int(np.prod(v.shape)) for v in model.trainable_variables[:place])
    block = dense_hessian[start : start + kernel.size, start : start + kernel.size].reshape(kernel.shape * 2)
    expected = sum(
        kernel[:, s] @ kernel[:, t] * np.trace(block[:, s, :, t])
        for s in range(kernel.shape[1])
        for t in range(kernel.shape[1])
    )
    estimate = ks.relative_flatness(*small, layer=layer, num_products=400)
    assert abs(estimate.value - expected) < 4 * estimate.standard_error
    assert estimate.standard_error < 0.1 * abs(expected)


def test_relative_flatness_ignores_a_rescaling_of_layers():
    rng = np.random.default_rng(0)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, activation="relu", use_bias=False), keras.layers.Dense(1)]
    )
    x, y = rng.normal(size=(20, 3)).astype("float32"), rng.normal(size=(20, 1)).astype("float32")
    before = ks.relative_flatness(model, x, y, "mean_squared_error", seed=1).value
    kernel, out, bias = model.get_weights()
    model.set_weights([2 * kernel, out / 2, bias])
    assert ks.relative_flatness(model, x, y, "mean_squared_error", seed=1).value == pytest.approx(before, rel=1e-3)


def test_bad_arguments_are_refused(small):
    with pytest.raises(InputError, match="`norm` must be one of linf, l2, l1"):
        ks.gradient_norm(*small, norm="l3")
    with pytest.raises(InputError, match="`layer` must have a kernel of two axes"):
        ks.relative_flatness(*small, layer="*/bias")
    with pytest.raises(InputError, match="`num_examples` must be at least 1"):
        ks.fisher_rao_norm(*small, num_examples=0)
