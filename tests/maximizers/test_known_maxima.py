"""Losses whose maximum in every ball is known, crossed with every scaling and maximizer."""

import numpy as np
import pytest
from keras import ops

from keras_sharpness import backend
from keras_sharpness.maximizers import APGD, PGA, Restarts, SingleStep
from keras_sharpness.perturbations import Ball
from tests.support.climbing import climb

WEIGHTS = np.array([0.7, -1.2, 0.3, 0.0], "float32")
GRADIENT = np.array([1.5, -0.5, -2.0, 1.0], "float32")
CURVATURES = np.array([2.0, 1.0, 30.0, 5.0], "float32")
RHO = 0.2

MAXIMIZERS = {
    "pga_weights": PGA(num_steps=60, step_size=0.3),
    "pga_scaled": PGA(num_steps=60, step_size=0.3, coordinates="scaled"),
    "pga_steepest": PGA(num_steps=20, step_size=1.0, direction="steepest"),
    "apgd": APGD(num_steps=20),
    "single_step": SingleStep(),
    "restarts": Restarts(maximizer=APGD(num_steps=20), num_restarts=3),
}
DUAL = {"linf": 1, "l2": 2, "l1": np.inf}


def scale_of(scaling):
    size = np.linalg.norm(WEIGHTS)
    return {"adaptive": np.abs(WEIGHTS), "none": np.ones(4), "per_layer": np.full(4, size)}[scaling]


def reach(norm, scaling):
    """The furthest that g.delta gets in the ball: rho times the dual norm of c g."""
    return RHO * np.linalg.norm(scale_of(scaling) * GRADIENT, DUAL[norm])


def linear(delta):
    return ops.sum(ops.convert_to_tensor(GRADIENT) * delta[0])


def logistic(delta):
    """The loss of one example with label one and logit 0.4 - g.delta."""
    return ops.softplus(linear(delta) - 0.4)


def neuron(delta):
    """The squared output of one ReLU neuron."""
    return ops.relu(1.0 + linear(delta)) ** 2


PROBLEMS = {
    "linear": (linear, lambda z: z),
    "logistic": (logistic, lambda z: np.log1p(np.exp(z - 0.4))),
    "neuron": (neuron, lambda z: (1 + z) ** 2),
}


@pytest.mark.parametrize("maximizer", MAXIMIZERS)
@pytest.mark.parametrize("scaling", ["adaptive", "none", "per_layer"])
@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_monotone_losses_reach_rho_times_the_dual_norm(norm, scaling, maximizer):
    rule = MAXIMIZERS[maximizer]
    region = Ball(rho=RHO, norm=norm, scaling=scaling).around([ops.convert_to_tensor(WEIGHTS)])

    def all_three(delta):
        # Independent coordinates: each third of the vector is a problem of its own.
        return sum(loss([delta[0]]) for loss, _ in PROBLEMS.values())

    path, best = climb(rule, all_three, region, [ops.zeros((2, 4))])
    expected = sum(maximum(reach(norm, scaling)) for _, maximum in PROBLEMS.values())
    assert path[0, :, 0].max() == pytest.approx(expected, rel=1e-4)
    assert path[..., 2].max() <= RHO * (1 + 1e-5)
    # All three rise with g.delta alone, so that the best point is that of the linear loss.
    np.testing.assert_allclose(GRADIENT @ best[0][0], reach(norm, scaling), rtol=1e-3)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_single_step_is_exact_on_each(problem):
    loss, maximum = PROBLEMS[problem]
    for norm in DUAL:
        region = Ball(rho=RHO, norm=norm).around([ops.convert_to_tensor(WEIGHTS)])
        path, _ = climb(SingleStep(), loss, region, [ops.zeros((1, 4))])
        assert path[0, 1, 0] == pytest.approx(maximum(reach(norm, "adaptive")), rel=1e-5)


def quadratic(delta):
    return 0.5 * ops.sum(ops.convert_to_tensor(CURVATURES) * delta[0] ** 2)


@pytest.mark.parametrize("scaling", ["adaptive", "none", "per_layer"])
@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_quadratic_at_its_minimum_needs_random_starts(norm, scaling):
    region = Ball(rho=RHO, norm=norm, scaling=scaling).around([ops.convert_to_tensor(WEIGHTS)])
    scaled = scale_of(scaling) ** 2 * CURVATURES
    expected = 0.5 * RHO**2 * (scaled.sum() if norm == "linf" else scaled.max())
    rule = Restarts(maximizer=APGD(num_steps=40), num_restarts=8)
    draw = backend.vectorize(lambda restart: rule.point(region, 0, restart), in_axes=(0,))
    path, _ = climb(rule, quadratic, region, draw(ops.arange(8)))
    assert path[0, :, 0].max() == 0  # the gradient at the minimum is zero
    assert path[..., 0].max() == pytest.approx(expected, rel=0.01)
    assert path[..., 2].max() <= RHO * (1 + 1e-5)


def test_apgd_halves_its_step_and_goes_back_to_the_best_point():
    # A ridge so narrow that the first steps jump across it.
    def ridge(delta):
        return -ops.abs(delta[0][0] - 0.03) - 100 * ops.abs(delta[0][1] - 0.011)

    region = Ball(rho=1.0, scaling="none").around([ops.zeros(2)])
    start = [ops.convert_to_tensor([[0.9, -0.9]])]
    apgd = climb(APGD(num_steps=100), ridge, region, start)[0][0, :, 0]
    fixed = climb(PGA(num_steps=100, step_size=2.0, direction="steepest"), ridge, region, start)[0][0, :, 0]
    assert apgd.max() > -0.2
    assert fixed.max() < -50


def test_apgd_checkpoints_come_closer_together():
    intervals = [k for k in APGD(num_steps=100)._intervals() if k]
    assert intervals[0] == 22
    assert intervals == sorted(intervals, reverse=True)
    assert intervals[-1] == 6
