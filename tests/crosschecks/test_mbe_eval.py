"""The criteria of rankings beside the package mbe-eval, where definitions are equal."""

import numpy as np
import pytest

from keras_sharpness.statistics import conditional_information, granulated_kendall, sign_errors
from tests.support.pool_tables import HYPER_PARAMETERS, grid_table

comparators = pytest.importorskip("mbe_eval.comparators", reason="mbe-eval is not installed")
robust = pytest.importorskip("mbe_eval.robust_sign_error", reason="mbe-eval is not installed")
# One model a setting: with several, mbe-eval averages them or counts pairs of one setting.
SINGLE = grid_table(num_seeds=1, noise=1.0)
MEASURES = ["oracle", "shuffled", "only_rate"]


@pytest.mark.parametrize("measure", MEASURES)
def test_conditional_information(measure):
    theirs, detail = comparators.jiang_normalized_cmi(SINGLE, measure, "gap", HYPER_PARAMETERS)
    ours = conditional_information(SINGLE, HYPER_PARAMETERS, measure)
    assert ours.value == pytest.approx(theirs, rel=1e-9)
    finite = [value for value in ours.by_set.values() if np.isfinite(value)]
    np.testing.assert_allclose(sorted(finite), sorted(detail["normalized_cmi"].dropna()), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_granulated_kendall(measure):
    theirs, _ = comparators.granulated_kendall(SINGLE, measure, "gap", HYPER_PARAMETERS)
    assert granulated_kendall(SINGLE, HYPER_PARAMETERS, measure, "gap")[0] == pytest.approx(theirs, rel=1e-9)


def test_sign_errors():
    table = grid_table()
    table["gap"] /= 10
    table["config"] = table.groupby(HYPER_PARAMETERS).ngroup()
    # It counts each environment in both directions.
    theirs = robust.robust_sign_error_environments(
        table, MEASURES, HYPER_PARAMETERS, target="gap", config_column="config", test_size=1000
    )
    ours = sign_errors(table, HYPER_PARAMETERS, MEASURES, num_test=1000)
    assert 2 * len(ours) == len(theirs) > 0
    for measure in MEASURES:
        np.testing.assert_allclose(sorted(np.repeat(ours[measure], 2)), sorted(theirs[measure]), rtol=1e-9, atol=1e-12)
