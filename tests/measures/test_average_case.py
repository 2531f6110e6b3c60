import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError


@pytest.mark.parametrize(("distribution", "variance"), [("gaussian", 1), ("uniform", 1 / 3)])
@pytest.mark.parametrize("scaling", ["none", "adaptive"])
def test_average_case_of_small_noise_is_half_the_trace(small, flat, dense_hessian, distribution, variance, scaling):
    scale = np.abs(flat) if scaling == "adaptive" else np.ones(26)
    rho = 0.03
    expected = 0.5 * rho**2 * variance * np.trace(scale[:, None] * dense_hessian * scale)
    r = ks.average_case_sharpness(*small, rho=rho, scaling=scaling, kind=distribution, num_draws=4000, m=None, seed=2)
    assert abs(r.value - expected) < 4 * r.standard_error + 0.02 * abs(expected)
    assert r.standard_error < 0.15 * abs(expected)


@pytest.mark.slow
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


@pytest.mark.slow
def test_zero_radius_is_zero_everywhere(small):
    assert ks.average_case_sharpness(*small, rho=0.0, num_draws=2, m=None).value == pytest.approx(0, abs=1e-5)
    assert ks.worst_case_sharpness(*small, rho=0.0).value == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: ks.average_case_sharpness(*s, num_draws=0), "`num_draws` must be at least 1"),
        (lambda s: ks.average_case_sharpness(*s, kind="cauchy"), "`kind` must be one of"),
    ],
)
def test_bad_arguments_are_refused(small, call, message):
    with pytest.raises(InputError, match=message):
        call(small)
