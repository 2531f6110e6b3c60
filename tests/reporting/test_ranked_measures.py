"""Measures are ranked with intervals that hold for all of them at once."""

import numpy as np
import pandas as pd
import pytest
import scipy

from keras_sharpness.reporting.pool_folder import read_pool
from keras_sharpness.reporting.ranked_measures import by_kind, criteria, rank
from keras_sharpness.statistics import granulated_kendall


@pytest.fixture(scope="module")
def pool(ranked_pool):
    return read_pool(ranked_pool)


@pytest.fixture(scope="module")
def ranking(pool):
    return rank(pool, "gap")


def test_the_best_come_first_and_only_what_ranks_is_clear(pool, ranking):
    assert ranking.measures == ["oracle", "opposite", "only_rate", "shuffled"]
    assert ranking.rows["clear"].tolist() == [True, True, True, False]
    assert ranking.turned == {"oracle": False, "opposite": True, "only_rate": False, "shuffled": False}
    assert criteria(pool) == ["psi", "tau", "tau_given", "cmi"]
    assert (ranking.rows["settings"] == 18).all()
    assert [kind for kind, _ in by_kind(ranking.rows)] == ["sharpness", "norm", "pac bayes"]


def test_intervals_are_as_wide_as_four_measures_and_eighteen_settings_need(ranking):
    row = ranking.rows.set_index("measure").loc["only_rate"]
    student = scipy.stats.t(17)
    ratio = (row["psi_all_high"] - row["psi"]) / (row["psi_high"] - row["psi"])
    assert ratio == pytest.approx(student.isf(0.025 / 4) / student.isf(0.025))


def test_intervals_end_where_values_do(ranking):
    ends = ranking.rows.filter(regex="cmi_.*low|cmi_.*high").to_numpy()
    assert ends.min() == 0 and ends.max() == 1


def test_taus_are_the_parts_of_psi(pool, ranking):
    for name in ("only_rate", "shuffled"):
        parts = granulated_kendall(pool.ranked, pool.hyper_parameters, name, "gap")[1]
        assert ranking.taus.loc[name].to_dict() == pytest.approx(parts)


def test_a_measure_that_some_models_lack_is_ranked_on_the_others(make_pool, ranked_pool):
    models = pd.read_csv(ranked_pool / "models.csv")
    models.loc[models["width"] == 16, "only_rate"] = np.nan
    found = rank(read_pool(make_pool({"models": models})), "gap")
    rows = found.rows.set_index("measure")
    assert rows.loc["only_rate", "settings"] == 12 and rows.loc["oracle", "settings"] == 18
    assert found.taus.loc["only_rate"].notna().all()


def test_an_undefined_measure_is_not_clear(make_pool, ranked_pool):
    table = pd.read_csv(ranked_pool / "ranking.csv")
    table.loc[table["measure"] == "shuffled", ["psi", "psi_low", "psi_high"]] = np.nan
    rows = rank(read_pool(make_pool({"ranking": table})), "gap").rows
    assert rows["measure"].iloc[-1] == "shuffled" and not rows["clear"].iloc[-1]


def test_a_measure_that_hardly_a_model_has_is_shown_as_undefined(make_pool, ranked_pool):
    models, table = (pd.read_csv(ranked_pool / f"{name}.csv") for name in ("models", "ranking"))
    models["shuffled"], numbers = np.nan, [name for name in table if name not in ("target", "measure")]
    table.loc[table["measure"] == "shuffled", numbers] = np.nan
    found = rank(read_pool(make_pool({"models": models, "ranking": table})), "gap")
    assert found.rows["settings"].tolist() == [18, 18, 18, 0]
    assert found.taus.loc["shuffled"].isna().all() and found.taus.loc["oracle"].notna().all()
