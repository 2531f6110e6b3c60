"""Average case, grid, critical, Keskar, attribution, landscape."""

import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from tests.support.small_network import loss_at


@pytest.mark.parametrize(("distribution", "variance"), [("gaussian", 1), ("uniform", 1 / 3)])
@pytest.mark.parametrize("scaling", ["none", "adaptive"])
def test_average_case_of_small_noise_is_half_the_trace(small, flat, dense_hessian, distribution, variance, scaling):
    scale = np.abs(flat) if scaling == "adaptive" else np.ones(26)
    rho = 0.03
    expected = 0.5 * rho**2 * variance * np.trace(scale[:, None] * dense_hessian * scale)
    r = ks.average_case_sharpness(*small, rho=rho, scaling=scaling, kind=distribution, num_draws=4000, m=None, seed=2)
    assert abs(r.value - expected) < 4 * r.standard_error + 0.02 * abs(expected)
    assert r.standard_error < 0.15 * abs(expected)


def test_average_case_repeats_and_shares_out_draws(small):
    batches = [[0, 1, 2], [3, 4, 5]]
    a, b, c = (ks.average_case_sharpness(*small, rho=0.1, batches=batches, num_draws=3, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(a.losses, b.losses)
    assert (a.losses != c.losses).all()
    assert a.losses.shape == (2, 3)
    assert len(np.unique(a.losses)) == 6
    # Members of the average follow from the noise of a batch alone, not from how many draws there are.
    more = ks.average_case_sharpness(*small, rho=0.1, batches=batches, num_draws=5)
    np.testing.assert_allclose(more.losses[:, :3], a.losses, rtol=1e-6)


def test_zero_radius_is_zero_everywhere(small):
    assert ks.average_case_sharpness(*small, rho=0.0, num_draws=2, m=None).value == pytest.approx(0, abs=1e-5)
    assert ks.worst_case_sharpness(*small, rho=0.0).value == pytest.approx(0, abs=1e-5)


def test_grid_is_what_single_calls_are(small):
    grid = ks.sharpness_grid(*small, rhos=[0.01, 0.1], ms=[4, None], num_batches=3, seed=5)
    assert grid.table[["rho", "m"]].to_numpy().tolist() == [[0.01, 4], [0.1, 4], [0.01, 20], [0.1, 20]]
    maximizer = ks.PGA(num_steps=10, step_size=0.5, direction="steepest")
    for row, m in zip(grid.table.itertuples(), (4, 4, None, None), strict=True):
        r = ks.worst_case_sharpness(*small, rho=row.rho, m=m, num_batches=3, seed=5, maximizer=maximizer)
        assert row.sharpness == pytest.approx(r.value, rel=1e-4)
    assert grid.plot().axes[0].get_xlabel() == "rho"


def test_critical_sharpness_of_a_quadratic_is_the_curvature_along_the_gradient(small):
    r = ks.critical_sharpness(*small, select="out", tolerance=1e-3)  # quadratic in the last layer
    operator = ks.hessian.operator(*small, select="out")
    gradient = operator.mean_loss.gradient()[1]
    assert r.value == pytest.approx(gradient @ (operator @ gradient) / (gradient @ gradient), rel=5e-3)
    assert r.value <= ks.hessian.top_eigenvalues(*small, select="out").values[0] * 1.01
    assert r.critical_rate == pytest.approx(2 / r.value)


def test_critical_sharpness_without_a_minimum_along_the_way(small):
    with pytest.raises(InputError, match="the loss must fall for small steps"):
        model = small[0]
        ks.critical_sharpness(*small, direction=[np.zeros(v.shape) for v in model.trainable_variables])


def test_keskar_sharpness(small, flat):
    model, x, y, _ = small
    epsilon = 1e-4
    r = ks.keskar_sharpness(*small, epsilon=epsilon)
    loss = loss_at(flat, model, x, y)
    gradient = ks.hessian.operator(*small).mean_loss.gradient()[1]
    corner = flat + epsilon * (np.abs(flat) + 1) * np.sign(gradient)
    assert r.value == pytest.approx(100 * (loss_at(corner, model, x, y) - loss) / (1 + loss), rel=0.02)


def test_attribution(small):
    table = ks.attribute(*small, rho=1e-3, m=None)
    assert table["num_weights"].tolist() == [16, 10]
    assert table["first_order_share"].sum() == pytest.approx(1)
    # In so small a ball, the rises of the layers add up to that of all.
    whole = ks.worst_case_sharpness(*small, rho=1e-3, m=None, maximizer=ks.APGD()).value
    assert table["sharpness"].sum() == pytest.approx(whole, rel=0.02)
    shares = table["sharpness"] / table["sharpness"].sum()
    np.testing.assert_allclose(shares, table["first_order_share"], atol=0.02)
    restarts = ks.Restarts(maximizer=ks.PGA(num_steps=1, step_size=1e-9), num_restarts=20)
    again = ks.attribute(*small, rho=0.5, m=None, maximizer=restarts)
    once = ks.attribute(*small, rho=0.5, m=None, maximizer=restarts.maximizer)
    assert (again["sharpness"] > once["sharpness"] + 1e-3).all()
    last = ks.attribute(*small, rho=1e-3, m=None, select="out")
    assert last["num_weights"].tolist() == [10]
    assert last["first_order_share"].sum() == pytest.approx(1)
    filters = ks.attribute(*small, rho=1e-3, m=None, filters=True)
    assert len(filters) == 4 + 2
    assert 0 < filters["first_order_share"].sum() < 1  # biases have the rest


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
        (lambda s: ks.average_case_sharpness(*s, num_draws=0), "`num_draws` must be at least 1"),
        (lambda s: ks.average_case_sharpness(*s, kind="cauchy"), "`kind` must be one of"),
        (lambda s: ks.sharpness_grid(*s, rhos=[]), "`rhos` and `ms` must not be empty"),
        (lambda s: ks.sharpness_grid(*s, rhos=[-1.0]), "`rho` must be finite and non-negative"),
        (lambda s: ks.critical_sharpness(*s, first_rate=0.0), "`first_rate` must be finite and positive"),
        (lambda s: ks.keskar_sharpness(*s, epsilon=-1.0), "`epsilon` must be finite and positive"),
        (lambda s: ks.landscape.line(*s, direction="down"), "`direction` must be one of random, ascent"),
        (lambda s: ks.landscape.line(*s, rho=-1.0), "`rho` must be finite and non-negative"),
        (lambda s: ks.landscape.plane(*s, directions=("random",)), "`directions` must be two"),
        (lambda s: ks.landscape.plane(*s, directions=("ascent", "ascent")), "`directions` must be two"),
        (lambda s: ks.landscape.line(*s, m=3), "further arguments must be among examples"),
        (lambda s: ks.sharpness_grid(*s, batches=[[0]]), "further arguments must be among examples"),
        (lambda s: ks.attribute(*s, filter=True), "further arguments must be among examples"),
        (lambda s: ks.keskar_sharpness(*s, m=3), "further arguments must be among examples"),
        (lambda s: ks.gradient_norm(*s, m=3), "further arguments must be among examples"),
        (lambda s: ks.landscape.line(*s, num_points=1), "`num_points` must be at least 2"),
        (lambda s: ks.Restarts(maximizer=ks.PGA(), num_restarts=0), "`num_restarts` must be at least 1"),
        (lambda s: ks.APGD(momentum=0.0), "`momentum` must be above 0"),
        (lambda s: ks.PGA(direction="up"), "`direction` must be one of gradient, steepest"),
    ],
)
def test_bad_arguments_are_refused(small, call, message):
    with pytest.raises(InputError, match=message):
        call(small)
