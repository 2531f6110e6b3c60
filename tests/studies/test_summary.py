import numpy as np
import pandas as pd
import pytest

from keras_sharpness.studies.summary import summarize


def test_a_diverged_model_is_counted_and_left_out():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"sharpness": rng.normal(size=20), "test_loss": rng.normal(size=20)})
    whole = summarize(table)
    table.loc[len(table)] = [np.nan, 0.1]
    table.loc[len(table)] = [0.1, np.inf]
    assert summarize(table) == whole | {"num_diverged": 2}


@pytest.mark.parametrize("num_models", [14, 15])
def test_fewer_than_fifteen_models_have_a_tau_without_an_interval(num_models):
    rng = np.random.default_rng(0)
    summary = summarize(pd.DataFrame(rng.normal(size=(num_models, 2)), columns=["sharpness", "test_loss"]))
    assert np.isfinite([summary["tau"], summary["p_value"]]).all()
    assert (summary["tau_ci_low"] is None, summary["tau_ci_high"] is None) == (num_models < 15,) * 2


def test_two_models_have_no_tau():
    summary = summarize(pd.DataFrame({"sharpness": [1.0, 2.0], "test_loss": [1.0, 2.0]}))
    assert summary["tau"] is None
    assert summary["num_models"] == 2
