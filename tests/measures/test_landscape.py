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


def test_a_span_may_go_from_one_place_to_another(small, flat):
    model, x, y, _ = small
    weights = model.get_weights()
    directions = (weights, [np.ones_like(w) for w in weights])
    plane = ks.landscape.plane(*small, directions=directions, num_points=2, span=((0, 0.5), (-0.5, 0)))
    assert plane.first.tolist() == [0, 0.5] and plane.second.tolist() == [-0.5, 0]
    expected = [[loss_at(flat * (1 + a) + b, model, x, y) for b in (-0.5, 0)] for a in (0, 0.5)]
    np.testing.assert_allclose(plane.losses, expected, rtol=1e-5)


def test_a_path_is_drawn_with_its_projection_error(small):
    weights = small[0].get_weights()
    path = [[scale * w for w in weights] for scale in (2.0, 1.5, 1.0)]
    plane = ks.landscape.plane(*small, directions=(weights, "random"), show={"shrinking": path}, num_points=2)
    assert plane.shown["shrinking"].coordinates[:, 0] == pytest.approx([1, 0.5, 0], abs=1e-6)
    axes = plane.plot().axes[0]
    (drawn,) = [line for line in axes.get_lines() if len(line.get_xdata()) == 3]
    assert drawn.get_label() == "shrinking (0% off the plane)"
    assert (drawn.get_xdata() > plane.first[0]).all() and (drawn.get_xdata() < plane.first[-1]).all()
    assert "projection_error=shrinking 0.0%" in repr(plane)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: ks.landscape.line(*s, direction="down"), "`direction` must be one of random, ascent"),
        (lambda s: ks.landscape.line(*s, rho=-1.0), "`rho` must be finite and non-negative"),
        (lambda s: ks.landscape.plane(*s, directions=("random",)), "`directions` must be two"),
        (lambda s: ks.landscape.plane(*s, directions=("ascent", "ascent")), "`directions` must be two"),
        (lambda s: ks.landscape.line(*s, m=3), "further arguments must be among examples"),
        (lambda s: ks.landscape.line(*s, num_points=1), "`num_points` must be at least 2"),
        (lambda s: ks.landscape.line(*s, span=(1.0, -1.0)), "`span` must be positive, or two numbers"),
        (lambda s: ks.landscape.plane(*s, span=((0, 1),)), "`span` must be one for each direction"),
    ],
)
def test_bad_arguments_are_refused(small, call, message):
    with pytest.raises(InputError, match=message):
        call(small)
