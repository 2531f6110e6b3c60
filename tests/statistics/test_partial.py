import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import partial_kendall

RNG = np.random.default_rng(0)
Z = RNG.normal(size=400)


def test_equals_kendall_s_formula():
    x, y = Z + RNG.normal(size=400), Z + RNG.normal(size=400)
    xy, xz, yz = (scipy.stats.kendalltau(a, b).statistic for a, b in ((x, y), (x, Z), (y, Z)))
    expected = (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
    assert partial_kendall(x, y, [Z], num_resamples=50).tau == pytest.approx(expected)


def test_a_common_cause_is_taken_out_nearly_all():
    x, y = Z + 0.3 * RNG.normal(size=400), Z + 0.3 * RNG.normal(size=400)
    plain = scipy.stats.kendalltau(x, y).statistic
    given = partial_kendall(x, y, [Z], num_resamples=200)
    assert plain > 0.6
    assert given.tau < 0.35 * plain
    other = partial_kendall(x, y, [RNG.normal(size=400)], num_resamples=200)
    assert other.tau == pytest.approx(plain, abs=0.02)
    assert other.ci_low < plain < other.ci_high
    assert other.p_value < 1e-6


def test_several_quantities():
    other = RNG.normal(size=400)
    x, y = Z + other + RNG.normal(size=400), Z + other + RNG.normal(size=400)
    taus = [partial_kendall(x, y, given, num_resamples=20).tau for given in ([Z], [Z, other])]
    assert taus[0] > taus[1]
    assert taus[1] == pytest.approx(partial_kendall(x, y, [other, Z], num_resamples=20).tau)


def test_a_copy_leaves_nothing():
    assert np.isnan(partial_kendall(Z, RNG.normal(size=400), [Z], num_resamples=5).tau)


def test_bad_arguments_are_refused():
    with pytest.raises(InputError, match="`given` must hold a quantity"):
        partial_kendall(Z, Z, [])
    with pytest.raises(InputError, match=r"`given\[1\]` and `test_loss` must be of one length"):
        partial_kendall(Z, Z, [Z, Z[:-1]])
    with pytest.raises(InputError, match=r"`given\[0\]` must not be the same"):
        partial_kendall(Z, Z, [np.ones(400)])
    with pytest.raises(InputError, match="`confidence`"):
        partial_kendall(Z, Z, [Z], confidence=2)


def test_small_pools_have_no_interval():
    r = partial_kendall(*RNG.normal(size=(2, 14)), [RNG.normal(size=14)], num_resamples=5)
    assert np.isfinite(r.tau)
    assert np.isnan([r.ci_low, r.ci_high]).all()
