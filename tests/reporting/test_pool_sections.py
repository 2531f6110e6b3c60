"""The tables of the report on a pool over hyper-parameters."""

import pandas as pd
import pytest

from keras_sharpness.reporting.pool_folder import read_pool
from keras_sharpness.reporting.pool_sections import pool_sections
from keras_sharpness.reporting.ranked_measures import rank


def tables(folder):
    pool = read_pool(folder)
    return {section.heading: section for section in pool_sections(pool, [rank(pool, name) for name in pool.targets])}


@pytest.fixture(scope="module")
def found(ranked_pool):
    return tables(ranked_pool)


def cells(section):
    return {row[0]: list(row[1:]) for row in section.rows[1:]}


def test_ranking_holds_each_measure_with_its_criteria(found):
    ranking = found["Ranking of measures"]
    assert list(cells(ranking)) == ["oracle", "opposite", "only_rate", "shuffled"]
    assert cells(ranking)["opposite"][:2] == ["norm", "-1.000 [-1.000, -1.000]"]
    assert cells(ranking)["oracle"][-5:] == ["0.000", "0.000", "0.000", "72", "18"]
    assert cells(found["Other targets"])["test loss"][-1] == "oracle"


def test_taus_within_hyper_parameters(found):
    assert found["Tau within each hyper-parameter"].rows[0] == ["measure", "learning_rate", "width", "decay"]
    assert cells(found["Tau within each hyper-parameter"])["oracle"] == ["1.000"] * 3


def test_what_was_left_out_is_counted_with_its_reason(found):
    counts = cells(found["Counts"])
    assert [counts[f"models: {status}"] for status in ("reached", "missed", "diverged")] == [["72"], ["2"], ["1"]]
    assert counts["models in the ranking"] == ["72"] and counts["settings that failed"] == ["1"]
    assert cells(found["Settings that failed"]) == {"4": ["`width` must be positive. Received: width=0"]}
    assert "attention" in cells(found["Measures left out"])["path_norm"][0]
    assert cells(found["Times"])["training"] == ["12.5 s"]
    assert cells(found["Settings"])["epochs.stop_loss"] == ["0.05"]


def test_pools_of_few_seeds_have_no_environment(make_pool, ranked_pool):
    empty = pd.read_csv(ranked_pool / "environments.csv").iloc[:0]
    section = tables(make_pool({"environments": empty}))["Worst environments"]
    assert not section.rows and "four seeds of each setting" in section.note
