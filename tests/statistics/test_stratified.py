import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import stratified_kendall


def by_hand(x, y, strata):
    sums = np.zeros(3)
    for i in range(len(x)):
        for j in range(i):
            if strata[i] == strata[j]:
                a, b = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
                sums += a * b, abs(a), abs(b)
    return sums[0] / np.sqrt(sums[1] * sums[2])


def pool(num_models, rng, link=0.0, num_strata=4):
    """Strata shift x and y by the same; within them, tau is 2 / pi arcsin(link)."""
    epochs = rng.integers(num_strata, size=num_models)
    own, other = rng.normal(size=(2, num_models))
    return own + 2 * epochs, link * own + np.sqrt(1 - link**2) * other + 2 * epochs, epochs


@pytest.mark.parametrize("ties", [False, True])
def test_equals_the_pairs_of_each_stratum(ties):
    x, y, epochs = pool(60, np.random.default_rng(0), 0.5)
    if ties:
        x, y = np.round(x), np.round(y)
    r = stratified_kendall(x, y, epochs)
    assert r.pooled.tau == pytest.approx(by_hand(x, y, epochs), rel=1e-12)
    for row in r.strata.itertuples():
        part = epochs == row.stratum
        assert row.tau == pytest.approx(scipy.stats.kendalltau(x[part], y[part]).statistic)
        assert row.num_models == part.sum()
        assert ties or row.num_pairs == pytest.approx(part.sum() * (part.sum() - 1) / 2)
    weighted = (r.strata["tau"] * r.strata["num_pairs"]).sum() / r.strata["num_pairs"].sum()
    assert r.pooled.tau == pytest.approx(weighted, abs=0 if not ties else 0.01, rel=1e-12)


def test_interval_leaves_out_each_model():
    x, y, epochs = pool(40, np.random.default_rng(5), 0.5)
    z = np.arctanh([by_hand(*(np.delete(values, i) for values in (x, y, epochs))) for i in range(40)])
    error = np.sqrt(39 / 40 * np.square(z - z.mean()).sum())
    centre, t = np.arctanh(by_hand(x, y, epochs)), scipy.stats.t(39)
    r = stratified_kendall(x, y, epochs).pooled
    assert (r.ci_low, r.ci_high) == pytest.approx(tuple(np.tanh(centre + t.ppf([0.025, 0.975]) * error)))
    assert r.p_value == pytest.approx(2 * t.sf(centre / error))


def test_what_strata_share_explains_nothing():
    x, y, epochs = pool(2000, np.random.default_rng(1), -0.5)
    assert scipy.stats.kendalltau(x, y).statistic > 0.3
    r = stratified_kendall(x, y, epochs).pooled
    assert r.ci_low < 2 / np.pi * np.arcsin(-0.5) < r.ci_high < 0
    assert r.p_value < 1e-10


@pytest.mark.slow
@pytest.mark.parametrize("link", [0.0, 0.6])
@pytest.mark.parametrize("num_models", [50, 200])
def test_intervals_cover(num_models, link):
    rng = np.random.default_rng([num_models, int(10 * link)])
    truth, repetitions = 2 / np.pi * np.arcsin(link), 200
    found = [stratified_kendall(*pool(num_models, rng, link)).pooled for _ in range(repetitions)]
    missed = sum(not r.ci_low <= truth <= r.ci_high for r in found)
    assert missed <= scipy.stats.binom.ppf(0.999, repetitions, 0.06)


def test_names_and_none_are_strata_and_single_models_are_left_out():
    x, y, epochs = pool(40, np.random.default_rng(2))
    names = np.array([["a", "b", None, "d"][number] for number in epochs], dtype=object)
    r = stratified_kendall(np.append(x, 1.0), np.append(y, 1.0), np.append(names, "alone"))
    assert r.pooled == stratified_kendall(x, y, epochs).pooled
    assert r.pooled.num_models == r.strata["num_models"].sum() == 40
    assert len(r.strata) == 4


def test_small_pools_have_no_interval():
    x, y, epochs = pool(14, np.random.default_rng(3))
    r = stratified_kendall(x, y, epochs // 2).pooled
    assert np.isfinite(r.tau)
    assert np.isnan([r.ci_low, r.ci_high, r.p_value]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strata": [1, 2]}, "`strata` must hold one value per model"),
        ({"strata": range(20)}, "a stratum must hold two models"),
        ({"x": [np.nan] * 20}, "`x` must be finite"),
        ({"y": range(19)}, "`x` and `y` must be of one length"),
        ({"confidence": 0}, "`confidence`"),
    ],
)
def test_bad_input_is_named(change, message):
    x, y, epochs = pool(20, np.random.default_rng(4))
    with pytest.raises(InputError, match=message):
        stratified_kendall(**({"x": x, "y": y, "strata": epochs} | change))
