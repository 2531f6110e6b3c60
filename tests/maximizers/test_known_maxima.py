"""Losses whose maximum in every ball is known, crossed with every norm, scaling and maximizer."""

import numpy as np
import pytest
from keras import ops

from keras_sharpness.maximizers import APGD, PGA, Restarts, SingleStep
from keras_sharpness.perturbations import Ball
from tests.support import problems
from tests.support.climbing import climb, starting_points

RHO = 0.2
MAXIMIZERS = {
    "pga_weights": PGA(num_steps=60, step_size=0.3),
    "pga_scaled": PGA(num_steps=60, step_size=0.3, coordinates="scaled"),
    "pga_steepest": PGA(num_steps=20, step_size=1.0, direction="steepest"),
    "pga_auto": PGA(num_steps=20, step_size="auto"),
    "apgd": APGD(num_steps=20),
    "single_step": SingleStep(),
    "restarts": Restarts(maximizer=APGD(num_steps=20), num_restarts=3),
}
# The rules are the same for every scale, and most of them for every norm.
NORMS = ["linf", "l2", pytest.param("l1", marks=pytest.mark.slow)]
SCALINGS = ["adaptive", *(pytest.param(name, marks=pytest.mark.slow) for name in ("none", "per_layer"))]


def around_the_weights(norm, scaling):
    return Ball(rho=RHO, norm=norm, scaling=scaling).around([ops.convert_to_tensor(problems.WEIGHTS)])


@pytest.mark.parametrize("maximizer", MAXIMIZERS)
@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("norm", NORMS)
def test_monotone_losses_reach_rho_times_the_dual_norm(norm, scaling, maximizer):
    rule, region = MAXIMIZERS[maximizer], around_the_weights(norm, scaling)
    found = climb(rule, problems.monotone, region, starting_points(rule, region))
    # From wherever an ascent begins.
    assert len(set(found.losses[:, 0])) == (3 if maximizer == "restarts" else 1)
    np.testing.assert_allclose(found.losses.max(axis=1), problems.largest_monotone(RHO, norm, scaling), rtol=1e-3)
    assert found.radii.max() <= RHO * (1 + 1e-5)
    # The losses rise with g.delta alone.
    np.testing.assert_allclose(found.best[0] @ problems.GRADIENT, problems.reach(RHO, norm, scaling), rtol=1e-3)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("norm", NORMS)
def test_quadratic_at_its_minimum_needs_random_starts(norm, scaling):
    rule, region = Restarts(maximizer=APGD(num_steps=40), num_restarts=8), around_the_weights(norm, scaling)
    found = climb(rule, problems.quadratic, region, starting_points(rule, region))
    assert found.losses[0].max() == 0  # the gradient at the minimum is zero
    assert found.losses.max() == pytest.approx(problems.largest_quadratic(RHO, norm, scaling), rel=0.01)
    assert found.radii.max() <= RHO * (1 + 1e-5)
