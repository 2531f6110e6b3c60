import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import compare_paired_taus, compare_settings, compare_taus


def pool(num_models, rng, links=(0.5, 0.5), shared=0.9):
    """Measures that go together, and a test loss that each is linked to by its own correlation."""
    loss, common, *own = rng.normal(size=(2 + len(links), num_models))
    noise = np.sqrt(shared) * common + np.sqrt(1 - shared) * np.array(own)
    links = np.array(links)[:, None]
    return links * loss + np.sqrt(1 - links**2) * noise, loss


def test_equals_leaving_out_each_network_by_hand():
    measures, loss = pool(30, np.random.default_rng(0))
    r = compare_paired_taus((measures[0], loss), (measures[1], loss))
    taus = [scipy.stats.kendalltau(m, loss).statistic for m in measures]
    left = [
        np.subtract(*(scipy.stats.kendalltau(np.delete(m, i), np.delete(loss, i)).statistic for m in measures))
        for i in range(30)
    ]
    assert r.difference == pytest.approx(taus[0] - taus[1])
    assert r.standard_error == pytest.approx(np.sqrt(29 / 30 * np.square(np.array(left) - np.mean(left)).sum()))
    row = compare_settings(measures, loss, ["a", "b"]).iloc[0]
    assert (row["first"], row["second"]) == ("a", "b")
    expected = (r.difference, r.standard_error, r.ci_low, r.ci_high, r.p_value)
    assert row[["difference", "standard_error", "ci_low", "ci_high", "p_value"]].tolist() == pytest.approx(expected)
    assert row["p_corrected"] == pytest.approx(r.p_value, abs=0.01)  # One pair needs no correction.


def test_shared_networks_tell_more_than_independent_pools():
    measures, loss = pool(100, np.random.default_rng(1))
    a, b = ((m, loss) for m in measures)
    assert compare_paired_taus(a, b).standard_error < 0.6 * compare_taus(a, b).standard_error


@pytest.mark.slow
@pytest.mark.parametrize("links", [(0.0, 0.0), (0.6, 0.6), (0.6, 0.1)])
@pytest.mark.parametrize(("num_models", "repetitions"), [(50, 400), (200, 200)])
def test_intervals_cover(num_models, repetitions, links):
    rng = np.random.default_rng([num_models, int(10 * links[1])])
    truth = float(np.subtract(*(2 / np.pi * np.arcsin(links))))
    covered = 0
    for _ in range(repetitions):
        measures, loss = pool(num_models, rng, links)
        r = compare_paired_taus((measures[0], loss), (measures[1], loss))
        covered += r.ci_low <= truth <= r.ci_high
    assert 0.93 - 0.03 <= covered / repetitions <= 0.99


@pytest.mark.slow
def test_corrected_p_values_raise_few_false_alarms_and_still_find():
    rng, alarms, found = np.random.default_rng(2), np.zeros(2), 0
    for _ in range(150):
        table = compare_settings(*pool(60, rng, [0.4] * 6))
        alarms += (table[["p_value", "p_corrected"]].min() < 0.05).to_numpy()
        found += compare_settings(*pool(60, rng, [0.8, 0.1, 0.1]))["p_corrected"].tolist()[0] < 0.05
    assert alarms[0] > 30
    assert alarms[1] <= scipy.stats.binom.ppf(0.999, 150, 0.06)
    assert found > 140


def test_copies_do_not_differ():
    (x, _), loss = pool(20, np.random.default_rng(3))
    r = compare_paired_taus((x, loss), (x, loss))
    assert (r.difference, r.ci_low, r.ci_high, r.p_value) == (0, 0, 0, 1)
    table = compare_settings([x, np.exp(x), -x], loss)
    assert table["p_corrected"][0] == table["p_value"][0] == 1
    assert table["difference"].tolist() == pytest.approx([0, table["difference"][1], table["difference"][1]])


def test_bad_input_is_named():
    measures, loss = pool(20, np.random.default_rng(4))
    with pytest.raises(InputError, match="at least 15 models"):
        compare_paired_taus((range(14), range(14)), (range(14), range(14)))
    with pytest.raises(InputError, match="the same networks"):
        compare_paired_taus((range(20), range(20)), (range(19), range(19)))
    with pytest.raises(InputError, match=r"`b\[0\]` must not be the same"):
        compare_paired_taus((measures[0], loss), (np.ones(20), loss))
    with pytest.raises(InputError, match="two rows or more"):
        compare_settings(measures[:1], loss)
    with pytest.raises(InputError, match="`names` must hold one name"):
        compare_settings(measures, loss, ["a"])
    with pytest.raises(InputError, match=r"`measures\[1\]` must be finite"):
        compare_settings([measures[0], np.full(20, np.nan)], loss)
