import numpy as np
import pytest
from keras import ops

from keras_sharpness.errors import InputError
from keras_sharpness.maximizers import APGD, PGA, Restarts, check_maximizer, num_starts
from keras_sharpness.perturbations import NORMS, Ball
from tests.support import problems
from tests.support.climbing import starting_points


def starts(maximizer, batch=0, norm="linf"):
    """Returns the starting points on a batch, one a row, and their radii as shares of rho."""
    region = Ball(rho=0.5, norm=norm).around([ops.convert_to_tensor(problems.WEIGHTS)])
    points = starting_points(maximizer, region, batch)
    radii = [float(region.radius([ops.convert_to_tensor(p)])) for p in ops.convert_to_numpy(points[0])]
    return ops.convert_to_numpy(points[0]), np.array(radii) / 0.5


@pytest.mark.parametrize("norm", NORMS)
def test_the_first_start_is_the_weights_and_the_others_lie_in_the_ball(norm):
    points, radii = starts(Restarts(maximizer=APGD(), num_restarts=20), norm=norm)
    assert (points[0] == 0).all()
    assert (points[:, 3] == 0).all()  # a zero weight does not move
    assert 0 < radii[1:].min() and radii.max() <= 1 + 1e-5
    assert radii.max() > 0.5


def test_a_start_depends_on_seed_batch_and_place_alone():
    few, many = (Restarts(maximizer=PGA(), num_restarts=n, seed=3) for n in (2, 6))
    points = starts(many)[0]
    assert len({tuple(p) for p in points}) == 6
    np.testing.assert_array_equal(starts(few)[0], points[:2])
    np.testing.assert_array_equal(starts(Restarts(maximizer=APGD(), num_restarts=6, seed=3))[0], points)
    for other in (starts(many, batch=1), starts(Restarts(maximizer=PGA(), num_restarts=6, seed=4))):
        assert (other[0][1:, :3] != points[1:, :3]).all()


def test_restarts_of_restarts_multiply_and_keep_the_inner_starts():
    inner = Restarts(maximizer=PGA(), num_restarts=2, seed=1)
    outer = Restarts(maximizer=inner, num_restarts=3, seed=2)
    assert [num_starts(m) for m in (PGA(), inner, outer)] == [1, 2, 6]
    points = starts(outer)[0]
    np.testing.assert_array_equal(points[:2], starts(inner)[0])
    assert len({tuple(p) for p in points}) == 6


def test_the_rule_is_that_of_the_maximizer():
    rule = PGA(num_steps=7, step_size=0.2)
    wrapped = Restarts(maximizer=rule)
    region = Ball(rho=0.5).around([ops.convert_to_tensor(problems.WEIGHTS)])
    arguments = ops.zeros(()), [ops.convert_to_tensor(problems.GRADIENT)], region
    ours, theirs = (m.step(m.start([ops.zeros(4)]), *arguments)["point"][0] for m in (wrapped, rule))
    np.testing.assert_array_equal(ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs))
    assert wrapped.num_steps == 7


@pytest.mark.parametrize("maximizer", [None, "apgd", PGA, object()])
def test_what_is_no_maximizer_is_refused(maximizer):
    for check in (check_maximizer, lambda m: Restarts(maximizer=m)):
        with pytest.raises(InputError, match="`maximizer` must be one, such as PGA"):
            check(maximizer)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"num_restarts": 0}, "`num_restarts` must be at least 1"), ({"seed": -1}, "`seed` must be an integer from 0")],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Restarts(maximizer=PGA(), **settings)
