import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import conditional_kendall, partial_kendall
from keras_sharpness.statistics.conditional import METHODS

# Of the models' two quantities on the third; tau of x and y is then about 0.5 though they are independent given z.
SHAPES = {"linear": lambda z: z, "cubic": lambda z: z**3, "exponential": np.exp}


def triple(num_models, rng, shape="linear", link=0.0):
    z, own, other = rng.normal(size=(3, num_models))
    other = link * own + np.sqrt(1 - link**2) * other
    return SHAPES[shape](z + 0.7 * own), SHAPES[shape](z + 0.7 * other), z


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", SHAPES)
def test_is_zero_under_conditional_independence(method, shape):
    x, y, z = triple(5000, np.random.default_rng(0), shape)
    assert abs(conditional_kendall(x, y, [z], method).tau) < 0.03
    assert partial_kendall(x, y, [z], num_resamples=2).tau > 0.1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("link", [0.0, 0.6])
@pytest.mark.parametrize("num_models", [50, 200])
def test_intervals_cover_and_the_test_keeps_its_level(method, link, num_models):
    truth = 2 / np.pi * np.arcsin(link)
    rng = np.random.default_rng([num_models, int(10 * link)])
    found = [
        conditional_kendall(*(t := triple(num_models, rng, "linear", link))[:2], [t[2]], method) for _ in range(60)
    ]
    # 60 intervals of a coverage of 95 % hold the truth fewer than 51 times in 0.1 % of all cases.
    assert sum(r.ci_low <= truth <= r.ci_high for r in found) >= 51
    if link == 0:
        assert sum(r.p_value < 0.05 for r in found) <= scipy.stats.binom.ppf(0.999, 60, 0.05)


@pytest.mark.parametrize("method", METHODS)
def test_finds_a_link_that_the_third_quantity_does_not_explain(method):
    x, y, z = triple(200, np.random.default_rng(1), link=0.8)
    r = conditional_kendall(x, y, [z, z**2], method)
    assert r.ci_low > 0.3
    assert r.p_value < 1e-6


def test_small_pools_have_no_interval():
    x, y, z = triple(14, np.random.default_rng(2))
    r = conditional_kendall(x, y, [z])
    assert np.isfinite(r.tau)
    assert np.isnan([r.ci_low, r.ci_high, r.p_value]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "partial"}, "`method` must be one of residual, copula"),
        ({"given": []}, "`given` must hold at least one quantity"),
        ({"given": [np.zeros(20)]}, r"`given\[0\]` must not be the same"),
        ({"given": [np.arange(19.0)]}, "one length"),
        ({"y": [np.nan] * 20}, "`y` must be finite"),
        ({"confidence": 1.0}, "`confidence`"),
    ],
)
def test_bad_input_is_named(change, message):
    x, y, z = triple(20, np.random.default_rng(3))
    with pytest.raises(InputError, match=message):
        conditional_kendall(**({"x": x, "y": y, "given": [z]} | change))
