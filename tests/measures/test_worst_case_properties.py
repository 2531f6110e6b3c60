"""What must hold of worst-case sharpness whatever the model."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_sharpness as ks
from tests.support import zoo

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 2)).astype("float32"), RNG.normal(size=(12, 1)).astype("float32")
BATCHES = RNG.integers(0, 12, (3, 5))


def relu_network(hidden=2):
    layers = [keras.layers.Dense(hidden, activation="relu", use_bias=False), keras.layers.Dense(1, use_bias=False)]
    model = keras.Sequential([keras.Input((2,)), *layers])
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def measure(model, **options):
    options = {"rho": 0.3, "batches": BATCHES, "maximizer": ks.APGD(num_steps=20)} | options
    return ks.worst_case_sharpness(model, X, Y, "mean_squared_error", **options)


def brute_force(model, batch, norm, rho, scale):
    """The largest loss at many points of the boundary, corners and vertices among them, in float64 NumPy."""
    kernel, out = (w.astype(np.float64) for w in model.get_weights())
    weights = np.concatenate([kernel.ravel(), out.ravel()])
    rng = np.random.default_rng(2)
    if norm == "linf":
        corners = np.array(list(itertools.product([-1.0, 1.0], repeat=6)))
        points = np.concatenate([corners, rng.uniform(-1, 1, (20000, 6))])
    elif norm == "l2":
        points = rng.normal(size=(200000, 6))
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    else:
        points = rng.dirichlet(0.3 * np.ones(6), 200000) * rng.choice([-1, 1], (200000, 6))
        points = np.concatenate([np.eye(6), -np.eye(6), points])
    moved = weights + rho * scale(weights) * points
    hidden = np.maximum(np.einsum("ni,kij->knj", X[batch].astype(np.float64), moved[:, :4].reshape(-1, 2, 2)), 0)
    losses = np.mean((np.einsum("knj,kj->kn", hidden, moved[:, 4:]) - Y[batch, 0]) ** 2, axis=1)
    return losses.max()


@pytest.mark.slow
@pytest.mark.parametrize("scaling", ["adaptive", "none"])
@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_a_two_layer_network_by_brute_force(norm, scaling):
    model, scale = relu_network(), {"adaptive": np.abs, "none": np.ones_like}[scaling]
    maximizer = ks.Restarts(maximizer=ks.APGD(num_steps=50), num_restarts=8)
    r = measure(model, norm=norm, scaling=scaling, maximizer=maximizer)
    for batch, losses in zip(BATCHES, r.losses, strict=True):
        assert losses.max() >= 0.99 * brute_force(model, batch, norm, 0.3, scale)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_single_step_is_a_lower_bound_of_apgd(norm):
    model = relu_network()
    assert measure(model, norm=norm, maximizer=ks.SingleStep()).value <= measure(model, norm=norm).value * (1 + 1e-5)


_SAMPLE = ks.Sample(relu_network(hidden=5), X, Y, "mean_squared_error", batches=BATCHES)


@settings(deadline=None, max_examples=25)
@given(rho=st.floats(0.01, 0.5), factor=st.floats(1.0, 3.0))
def test_grows_with_the_radius(rho, factor):
    maximizer = ks.APGD(num_steps=30)
    small, large = (ks.worst_case_sharpness(_SAMPLE, rho=r, maximizer=maximizer) for r in (rho, factor * rho))
    assert (large.per_batch >= small.per_batch * (1 - 1e-3) - 1e-6).all()


@pytest.mark.slow
def test_more_restarts_never_lower_it():
    model, found = relu_network(hidden=5), []
    for num_restarts in (1, 2, 5, 9):
        maximizer = ks.Restarts(maximizer=ks.PGA(num_steps=3, step_size=0.05), num_restarts=num_restarts, seed=4)
        r = measure(model, maximizer=maximizer)
        assert r.restarts.shape == (3, num_restarts, 4)
        assert r.losses.shape == (3, 4)
        np.testing.assert_allclose(r.losses[:, 0], r.restarts[:, 0, 0])
        found.append(r.per_batch)
    for fewer, more in itertools.pairwise(found):
        assert (more >= fewer - 1e-6).all()
    assert (found[-1] > found[0] + 1e-4).any()


def test_order_of_batches_and_of_examples_does_not_matter():
    model = relu_network()
    forward = measure(model)
    backward = measure(model, batches=BATCHES[::-1, ::-1])
    np.testing.assert_allclose(backward.losses[::-1], forward.losses, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_permuted_hidden_units_are_as_sharp(norm):
    model = relu_network(hidden=5)
    before = measure(model, norm=norm)
    kernel, out = model.get_weights()
    order = np.random.default_rng(3).permutation(5)
    model.set_weights([kernel[:, order], out[order]])
    np.testing.assert_allclose(measure(model, norm=norm).losses, before.losses, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize(("scaling", "stays"), [("adaptive", True), ("none", False)])
def test_only_adaptive_sharpness_ignores_rescaled_layers(norm, scaling, stays):
    model = relu_network(hidden=3)
    before = measure(model, norm=norm, scaling=scaling)
    kernel, out = model.get_weights()
    model.set_weights([4 * kernel, out / 4])
    after = measure(model, norm=norm, scaling=scaling)
    assert bool(abs(after.value / before.value - 1) < 1e-3) is stays


@pytest.mark.slow
def test_restricted_balls_are_no_sharper_than_the_whole():
    model = relu_network(hidden=3)
    whole = measure(model).value
    for layer in model.layers:
        assert 0 < measure(model, select=layer.name).value <= whole * (1 + 1e-4)


@pytest.mark.slow
def test_floor_of_the_scale_lets_zero_weights_move():
    model = relu_network()
    model.set_weights([0 * w for w in model.get_weights()])
    start = ks.Restarts(maximizer=ks.APGD(), num_restarts=4)
    assert measure(model, maximizer=start).value == 0
    assert measure(model, maximizer=start, eta=0.5).value > 0


@pytest.mark.slow
def test_diagnostics_tell_a_short_climb_from_a_long_one():
    model = relu_network(hidden=5)
    short = measure(model, maximizer=ks.PGA(num_steps=2, step_size=0.01))
    long = measure(model, maximizer=ks.APGD(num_steps=50))
    assert short.diagnostics.last_gain.mean() > 0.2 > long.diagnostics.last_gain.mean()
    np.testing.assert_allclose(long.diagnostics.radius_used, 1, rtol=1e-4)
    assert (short.diagnostics.radius_used < 1).all()
    assert np.isnan(long.diagnostics.restart_gap).all()
    restarts = measure(model, maximizer=ks.Restarts(maximizer=ks.PGA(num_steps=1, step_size=0.01)))
    assert (restarts.diagnostics.restart_gap > 0).all()
    assert "last_gain" in str(long.diagnostics)


@pytest.mark.slow
def test_error_rates_are_recorded_beside_losses():
    example = zoo.convolutional()
    batches = np.arange(zoo.NUM_EXAMPLES)[None]
    labels = example.model.predict(example.x, verbose=0).argmax(axis=1)
    labels[0] = (labels[0] + 1) % 3
    options = {"rho": 0.5, "maximizer": ks.APGD(num_steps=10), "batches": batches}
    r = ks.worst_case_sharpness(example.model, example.x, labels, example.loss, **options)
    wrong = 1 / zoo.NUM_EXAMPLES
    assert r.errors[0, 0] == pytest.approx(wrong, abs=1e-6)
    assert r.error_rise == pytest.approx(r.errors[0, r.losses[0].argmax()] - wrong, abs=1e-6)
    assert r.error_rise > 0


def test_one_batch_of_all_examples():
    r = measure(relu_network(), batches=None, m=None)
    assert r.losses.shape == (1, 21)
    assert np.isnan(r.standard_error)
    assert r.config["m"] == 12
    assert r.plot().axes[0].get_xlabel() == "ascent step"
