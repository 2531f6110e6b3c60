"""Many splits of one data set: a tau each, and what they say together."""

import numpy as np
import pandas as pd
import pytest

from keras_sharpness.statistics import conditional_kendall, jackknife_interval, kendall, random_effects
from keras_sharpness.studies import splits
from keras_sharpness.studies.config import studies_of_splits
from keras_sharpness.studies.splits import pooled, run_splits, taus_of_split
from keras_sharpness.studies.study import Study
from tests.reporting.fake_run import make_models
from tests.support.studies import small

QUANTITIES = ["test loss", "gap", "test error", "test loss given training loss"]


def test_the_taus_of_a_split():
    models = make_models(num_models=60)
    table = taus_of_split(models, 7).set_index("quantity")
    assert list(table.index) == QUANTITIES and set(table["split_seed"]) == {7}
    sharpness, test, train = (models[name] for name in ("sharpness", "test_loss", "train_loss"))
    for name, values in (("test loss", test), ("gap", test - train), ("test error", models["test_error"])):
        assert table["tau"][name] == kendall(sharpness, values).tau
        assert table["standard_error"][name] == jackknife_interval(sharpness, values)[0]
    given = conditional_kendall(sharpness, test, [train])
    last = table.loc[QUANTITIES[-1]]
    assert (last["tau"], last["tau_ci_high"]) == (given.tau, given.ci_high)
    # Half the interval is 2.01 standard errors (50 parts), on a scale that is nearly tau's own.
    assert last["standard_error"] == pytest.approx((given.ci_high - given.ci_low) / 2 / 2.01, rel=0.03)
    assert set(table["sharpness_median"]) == {sharpness.median()}


def test_models_that_diverged_are_left_out():
    models = make_models(num_models=30).drop(columns="test_error")
    models.loc[0, "test_loss"] = np.nan
    table = taus_of_split(models, 0)
    assert list(table["num_models"]) == [29] * 3 and "test error" not in set(table["quantity"])


def test_splits_are_combined_quantity_by_quantity():
    table = pd.concat([taus_of_split(make_models(slope=-0.2, seed=seed), seed) for seed in range(4)])
    together = pooled(table)
    assert list(together["quantity"]) == QUANTITIES
    part = table[table["quantity"] == "gap"]
    expected = random_effects(part["tau"], part["standard_error"])
    found = together.iloc[1]
    assert (found["tau"], found["tau_ci_low"], found["num_splits"]) == (expected.mean, expected.ci_low, 4)
    assert found["between_deviation"] == expected.between_variance**0.5


def test_a_pool_for_each_split(tmp_path, monkeypatch):
    made = []

    def make_study(config, *arguments):
        made.append((config, arguments))
        return Study(config, small()[1])

    monkeypatch.setattr(splits, "make_study", make_study)
    configs = [*studies_of_splits(range(2), num_models=16, num_batches=2, m=8, max_epochs=1)]
    run_splits(configs, tmp_path, "data", True)
    assert [arguments for _, arguments in made] == [("data", True, None)] * 2
    table = pd.read_csv(tmp_path / "splits.csv")
    assert len(table) == 6
    for seed in (0, 1):
        models = pd.read_csv(tmp_path / f"split-00{seed}" / "models.csv")
        expected = taus_of_split(models, seed)["tau"]
        np.testing.assert_allclose(table[table["split_seed"] == seed]["tau"], expected)
    assert set(pd.read_csv(tmp_path / "pooled.csv")["num_splits"]) == {2}
