import numpy as np
import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import sign_errors, summarize_sign_errors
from tests.support.pool_tables import HYPER_PARAMETERS, grid_table

TABLE = grid_table()
MEASURES = ["oracle", "opposite", "shuffled"]


def test_an_oracle_never_errs_and_its_opposite_always_does():
    found = sign_errors(TABLE, HYPER_PARAMETERS, MEASURES)
    # Pairs of values of one hyper-parameter, for each setting of the others.
    assert len(found) == 3 * 6 + 3 * 6 + 1 * 9
    assert (found["oracle"] == 0).all() and (found["opposite"] == 1).all()
    assert found["pairs"].eq(16).all()
    assert found["others"].iloc[0] == "width=16, decay=0.0" and found["others"].nunique() == 6 + 6 + 9
    summary = summarize_sign_errors(found, MEASURES)
    assert summary.loc["shuffled", "mean"] == pytest.approx(0.5, abs=0.1)
    assert summary.loc["shuffled", "worst"] == found["shuffled"].max()


def test_a_large_environment_takes_one_measure_after_another_with_the_same_shares(monkeypatch):
    found = sign_errors(TABLE, HYPER_PARAMETERS, MEASURES)
    monkeypatch.setitem(sign_errors.__globals__, "BLOCK_ELEMENTS", 1)
    pd.testing.assert_frame_equal(sign_errors(TABLE, HYPER_PARAMETERS, MEASURES), found)


def test_by_hand():
    table = pd.DataFrame({"width": [1, 1, 2], "gap": [0.0, 3.0, 1.0], "mine": [0.0, 1.0, 1.0]})
    (row,) = sign_errors(table, ["width"], ["mine"], least_pairs=2).to_dict("records")
    # (0, 1): both rise, no error; (3, 1): the gap falls and the measure is tied, half an error.
    assert row == {"hyper_parameter": "width", "first": 1, "second": 2, "others": "", "pairs": 2.0, "mine": 0.25}


def test_pairs_within_the_noise_of_the_test_set_do_not_count():
    table = pd.DataFrame({"width": [1, 1, 2], "gap": [0.10, 0.30, 0.11], "mine": [0.0, 1.0, 2.0]})
    (row,) = sign_errors(table, ["width"], ["mine"], num_test=10_000, least_pairs=1).to_dict("records")
    assert row["mine"] == 1.0 and row["pairs"] == pytest.approx(1.0)
    assert sign_errors(table, ["width"], ["mine"], num_test=10, least_pairs=1).empty


def test_no_environment_is_no_number():
    summary = summarize_sign_errors(sign_errors(TABLE.iloc[:2], ["width"], MEASURES), MEASURES)
    assert np.isnan(summary.loc["oracle", "worst"]) and (summary["environments"] == 0).all()


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="`measures` must name"):
        sign_errors(TABLE, ["width"], [])
