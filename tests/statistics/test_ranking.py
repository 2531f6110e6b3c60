import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import rank_measures
from keras_sharpness.statistics.pairs import pair_sums
from keras_sharpness.statistics.ranking import interval_over_parts
from tests.support.pool_tables import HYPER_PARAMETERS, grid_table

MEASURES = ["oracle", "opposite", "shuffled", "only_rate"]


def test_an_oracle_comes_first_and_a_shuffled_measure_is_nothing():
    found = rank_measures(grid_table(), HYPER_PARAMETERS, MEASURES).set_index("measure")
    assert list(found.loc["oracle", ["tau", "tau_given", "psi", "cmi"]]) == pytest.approx([1, 1, 1, 1])
    assert found.loc["opposite", "psi"] == pytest.approx(-1) and found.loc["oracle", "sign_error_worst"] == 0
    for criterion in ("tau", "tau_given", "psi"):
        low, high = found.loc["shuffled", [f"{criterion}_low", f"{criterion}_high"]]
        assert low < 0 < high
        assert -1 < low < found.loc["shuffled", criterion] < high < 1


def test_intervals_respect_that_seeds_repeat_a_setting():
    # A measure that belongs to the setting: 4 times the seeds are no more evidence.
    few, many = grid_table(num_seeds=4, noise=0.01), grid_table(num_seeds=16, noise=0.01)
    widths = []
    for table in (few, many):
        (row,) = rank_measures(table, HYPER_PARAMETERS, ["only_rate"]).to_dict("records")
        widths.append(row["tau_high"] - row["tau_low"])
    assert widths[1] == pytest.approx(widths[0], rel=0.25)


def test_intervals_cover_where_seeds_repeat_a_setting():
    covered = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        settings = np.repeat(np.arange(18), 4)
        x, y = rng.normal(size=18)[settings], rng.normal(size=18)[settings] + 0.1 * rng.normal(size=72)
        tau = lambda stays, x=x, y=y: pair_sums(x[stays], y[stays]).tau  # noqa: E731
        _, low, high = interval_over_parts(tau, settings, 0.95)
        covered.append(low < 0 < high)
    assert 0.9 < np.mean(covered) < 0.99


def test_a_measure_that_some_models_lack_is_ranked_on_the_others():
    table = grid_table()
    missing = table.assign(oracle=table["oracle"].where(table.index > 3), nothing=np.nan)
    found = rank_measures(missing, HYPER_PARAMETERS, ["oracle", "shuffled", "nothing"]).set_index("measure")
    assert found["models"].to_dict() == {"oracle": len(table) - 4, "shuffled": len(table), "nothing": 0}
    assert found.loc["oracle", "tau"] == pytest.approx(1) and np.isnan(found.loc["nothing", "tau"])
    assert found.index[-1] == "nothing"


def test_an_infinite_measure_is_the_largest():
    table = grid_table()
    most = table["oracle"].idxmax()
    infinite = table.assign(oracle=table["oracle"].where(table.index != most, np.inf))
    expected = rank_measures(table, HYPER_PARAMETERS, ["oracle"])
    np.testing.assert_allclose(rank_measures(infinite, HYPER_PARAMETERS, ["oracle"])["psi"], expected["psi"])


def test_a_table_of_measure_pool_says_which_columns_are_which():
    table = grid_table()
    with pytest.raises(InputError, match="`hyper_parameters` must be given for a table that does not come from"):
        rank_measures(table)
    table.attrs |= {"hyper_parameters": HYPER_PARAMETERS, "measures": ["oracle"]}
    assert rank_measures(table, target="gap")["measure"].tolist() == ["oracle"]


def test_too_few_settings_are_refused():
    table = grid_table()
    with pytest.raises(InputError, match="at least 8 settings"):
        rank_measures(table[table["width"] == 16], HYPER_PARAMETERS, ["oracle"])
