import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from tests.support.small_network import loss_at


@pytest.mark.slow
def test_line_passes_through_the_weights(small, flat):
    model, x, y, _ = small
    line = ks.landscape.line(*small, num_points=5, span=0.5)
    assert line.positions.tolist() == [-0.5, -0.25, 0, 0.25, 0.5]
    assert line.losses[2] == pytest.approx(loss_at(flat, model, x, y), rel=1e-5)
    ascent = ks.landscape.line(*small, direction="ascent", num_points=3, rho=0.01, maximizer=ks.APGD())
    r = ks.worst_case_sharpness(*small, rho=0.01, m=None, maximizer=ks.APGD())
    assert ascent.losses[2] - ascent.losses[1] == pytest.approx(r.value, rel=1e-3)
    assert line.plot().axes[0].get_ylabel() == "loss"
    restarts = ks.Restarts(maximizer=ks.APGD(), num_restarts=3)
    r = ks.worst_case_sharpness(*small, rho=0.5, m=None, maximizer=restarts)
    ascent = ks.landscape.line(*small, direction="ascent", num_points=3, rho=0.5, maximizer=restarts)
    assert ascent.losses[2] - ascent.losses[1] == pytest.approx(r.value, rel=1e-3)


def test_plane_contains_the_line(small):
    plane = ks.landscape.plane(*small, num_points=3, span=0.5, seed=4)
    line = ks.landscape.line(*small, num_points=3, span=0.5, seed=4)
    np.testing.assert_allclose(plane.losses[:, 1], line.losses, rtol=1e-5)
    assert plane.losses.shape == (3, 3)
    assert len(plane.plot().axes) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: ks.landscape.line(*s, direction="down"), "`direction` must be one of random, ascent"),
        (lambda s: ks.landscape.line(*s, rho=-1.0), "`rho` must be finite and non-negative"),
        (lambda s: ks.landscape.plane(*s, directions=("random",)), "`directions` must be two"),
        (lambda s: ks.landscape.plane(*s, directions=("ascent", "ascent")), "`directions` must be two"),
        (lambda s: ks.landscape.line(*s, m=3), "further arguments must be among examples"),
        (lambda s: ks.landscape.line(*s, num_points=1), "`num_points` must be at least 2"),
    ],
)
def test_bad_arguments_are_refused(small, call, message):
    with pytest.raises(InputError, match=message):
        call(small)
