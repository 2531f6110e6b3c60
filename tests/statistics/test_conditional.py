import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import conditional_kendall, neighbour_sensitivity, partial_kendall
from keras_sharpness.statistics.conditional import METHODS

# Of the models' two quantities on the third; tau of x and y is then about 0.5 though they are independent given z.
SHAPES = {"linear": lambda z: z, "cubic": lambda z: z**3, "exponential": np.exp}


def triple(num_models, rng, shape="linear", link=0.0):
    z, own, other = rng.normal(size=(3, num_models))
    other = link * own + np.sqrt(1 - link**2) * other
    return SHAPES[shape](z + 0.7 * own), SHAPES[shape](z + 0.7 * other), z


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", SHAPES)
def test_is_zero_under_conditional_independence(method, shape):
    x, y, z = triple(5000, np.random.default_rng(0), shape)
    assert abs(conditional_kendall(x, y, [z], method).tau) < 0.03
    assert partial_kendall(x, y, [z], num_resamples=2).tau > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("num_models", "link", "repetitions"),
    [(50, 0.0, 60), (50, 0.6, 60), (200, 0.0, 40), (200, 0.6, 40), (1000, 0.0, 20)],
)
def test_intervals_cover_and_the_test_keeps_its_level(method, num_models, link, repetitions):
    truth = 2 / np.pi * np.arcsin(link)
    rng = np.random.default_rng([num_models, int(10 * link)])
    pools = (triple(num_models, rng, "linear", link) for _ in range(repetitions))
    found = [conditional_kendall(x, y, [z], method) for x, y, z in pools]
    # An interval of a coverage of 95 % misses the truth more often than this in 0.1 % of all cases.
    most = scipy.stats.binom.ppf(0.999, repetitions, 0.05)
    assert sum(not r.ci_low <= truth <= r.ci_high for r in found) <= most
    if link == 0:
        assert sum(r.p_value < 0.05 for r in found) <= most


@pytest.mark.parametrize("method", METHODS)
def test_finds_a_link_that_the_third_quantity_does_not_explain(method):
    x, y, z = triple(200, np.random.default_rng(1), link=0.8)
    r = conditional_kendall(x, y, [z, z**2], method)
    assert r.ci_low > 0.3
    assert r.p_value < 1e-6


def test_matching_less_closely_lets_the_third_quantity_in():
    x, y, z = triple(400, np.random.default_rng(5))
    table = neighbour_sensitivity(x, y, [z], (4, 100, 399, 400))
    assert table["num_neighbours"].tolist() == [4, 100, 399]
    assert table["width"].tolist() == [0.01, 0.25, 399 / 400]
    assert table["ci_low"][0] < 0 < table["ci_high"][0]
    assert table["tau"][0] + 0.1 < table["tau"][1] < table["tau"][2]
    assert table["tau"][2] == pytest.approx(scipy.stats.kendalltau(x, y).statistic)


def test_small_pools_have_no_interval():
    x, y, z = triple(14, np.random.default_rng(2))
    r = conditional_kendall(x, y, [z])
    assert np.isfinite(r.tau)
    assert np.isnan([r.ci_low, r.ci_high, r.p_value]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "partial"}, "`method` must be one of residual, matched, copula"),
        ({"num_neighbours": 3}, "`num_neighbours` must come with method='matched'"),
        ({"method": "matched", "num_neighbours": 0}, "`num_neighbours` must be at least 1"),
        ({"method": "matched", "num_neighbours": 20}, "`num_neighbours` must be below the number of models"),
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
