import json

import numpy as np
import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.studies.run import run_study, summarize
from keras_sharpness.studies.study import Study
from tests.support import studies


def test_settings_that_do_not_fit_cost_no_models(tmp_path):
    config, dataset = studies.small()
    run_study(Study(config, dataset), tmp_path)
    unknown, _ = studies.small(norm="l7")
    with pytest.raises(InputError, match="`norm` must be one of linf"):
        run_study(Study(unknown, dataset), tmp_path, resume=False)
    assert PoolStore(tmp_path).trained() == {0, 1, 2}


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


def test_a_diverging_pool_is_told_not_hidden(tmp_path):
    config, dataset = studies.small(learning_rate=1e6)
    summary = run_study(Study(config, dataset), tmp_path)
    assert summary["tau"] is None
    assert summary["num_diverged"] == 3
    assert len(pd.read_csv(tmp_path / "models.csv")) == 3


@pytest.mark.slow
def test_a_pool_grows_to_what_a_larger_one_would_have_been(tmp_path):
    for folder, sizes in (("grown", (52, 54)), ("whole", (54,))):
        for num_models in sizes:
            config, dataset = studies.small(num_models=num_models, max_epochs=1)
            run_study(Study(config, dataset), tmp_path / folder)
    grown, whole = ((tmp_path / folder / "models.csv").read_bytes() for folder in ("grown", "whole"))
    assert grown == whole
    assert json.loads((tmp_path / "grown" / "config.json").read_text())["study"]["num_models"] == 54


@pytest.mark.slow
def test_a_pool_does_not_shrink_nor_grow_where_that_would_change_it(tmp_path):
    for num_models, other in ((3, 2), (2, 60)):
        config, dataset = studies.small(num_models=num_models, max_epochs=1)
        folder = tmp_path / str(num_models)
        run_study(Study(config, dataset), folder)
        config, _ = studies.small(num_models=other, max_epochs=1)
        with pytest.raises(InputError, match=f"num_models: {num_models} there, {other} now"):
            run_study(Study(config, dataset), folder)
