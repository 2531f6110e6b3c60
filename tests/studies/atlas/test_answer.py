"""What all data sets say together."""

import numpy as np
import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import random_effects
from keras_sharpness.studies.atlas.answer import answer, write_answer
from tests.support import atlas_tables


def criteria(values, **columns):
    row = {"target": "gap", "criterion": "psi", "measure": "param_norm", "kind": "norm", "network": "dense"}
    of_all = {**row, "task": "classification", "standard_error": 0.1, **columns}
    return pd.DataFrame({"value": values, "row": [f"set{k}" for k in range(len(values))]}).assign(**of_all)


def test_an_oracle_ranks_its_opposite_ranks_the_wrong_way_and_noise_is_nothing(tmp_path):
    atlas_tables.write(tmp_path)
    found = write_answer(tmp_path).query("group == 'all' and target == 'gap' and criterion == 'psi'")
    findings = found.set_index("measure")["finding"]
    assert findings["param_norm"] == "ranks" and findings["path_norm"] == "ranks the wrong way"
    assert findings["worst_case"] == findings["noise"] == "nothing found"
    assert {"criteria.csv", "answer.csv"} <= {path.name for path in tmp_path.iterdir()}


def test_means_are_those_of_random_effects():
    values = [0.1, 0.2, 0.3, 0.4, -0.1]
    row = answer(criteria(values)).query("group == 'all'").iloc[0]
    expected = random_effects(values, [0.1] * 5)
    found = (row["mean"], row["low"], row["prediction_high"])
    assert found == (expected.mean, expected.ci_low, expected.prediction_high)
    assert row["share_positive"] == 0.8


def test_other_networks_of_the_same_data_do_not_count_twice():
    both = pd.concat([criteria([0.1] * 5), criteria([0.9] * 5, network="mixer")])
    assert answer(both)["rows"].tolist() == [5, 5]


def test_intervals_of_all_measures_at_once_are_wider_and_noise_is_not_among_them():
    values = list(np.linspace(-0.2, 0.5, 8))
    noise = criteria(values, measure="noise", kind="check")
    alone = answer(pd.concat([criteria(values), noise])).query("group == 'all'").set_index("measure")
    assert alone.loc["param_norm", "all_low"] == pytest.approx(alone.loc["param_norm", "low"])
    two = answer(pd.concat([criteria(values), criteria(values, measure="path_norm")])).query("group == 'all'")
    assert (two["all_low"] < two["low"]).all()


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(InputError, match="must hold the tables of an atlas"):
        write_answer(tmp_path)


def test_a_table_without_its_json_is_refused(tmp_path):
    atlas_tables.write(tmp_path)
    (tmp_path / "tables" / "two.json").unlink()
    with pytest.raises(InputError, match=r"two\.csv must be a table of the atlas"):
        write_answer(tmp_path)


def test_what_is_known_of_a_table_is_kept_until_it_changes(tmp_path, monkeypatch):
    atlas_tables.write(tmp_path)
    before = write_answer(tmp_path)
    monkeypatch.setattr("keras_sharpness.studies.atlas.answer.criteria_of", None)
    pd.testing.assert_frame_equal(write_answer(tmp_path), before)
    path = tmp_path / "tables" / "two.csv"
    path.write_text(path.read_text() + "\n")
    with pytest.raises(TypeError, match="'NoneType' object is not callable"):
        write_answer(tmp_path)


def test_fewer_than_five_data_sets_give_no_answer(tmp_path):
    atlas_tables.write(tmp_path, ["one", "two"])
    found = write_answer(tmp_path)
    assert found.empty and "finding" in found
