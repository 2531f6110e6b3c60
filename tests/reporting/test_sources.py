"""The pools of a comparison are read, named and grouped."""

import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.reporting.sources import read_groups
from tests.reporting.fake_run import cloud, make_models


def test_a_table_must_say_which_of_several_models_it_is_about(make_csv, tmp_path):
    with pytest.raises(InputError, match=r"must have a column `model` .*fcnn, lenet, gat.*ours.csv"):
        read_groups([make_csv("ours.csv", cloud(20))], "published")


def test_sources_that_are_missing_or_named_twice(make_gat, tmp_path):
    run = make_gat()
    with pytest.raises(InputError, match="RUN must be the folder of a run or a CSV file.*no_such"):
        read_groups([str(tmp_path / "no_such")], "published")
    with pytest.raises(InputError, match="RUN must be .*theirs.csv"):
        read_groups([run], "theirs.csv")
    with pytest.raises(InputError, match="each RUN must be given once"):
        read_groups([run, f"{run}/"], "published")


def test_sources_of_one_name_are_told_apart(make_gat):
    runs = [make_gat("a/x/gat"), make_gat("b/x/gat")]
    assert [pool.source for pool in read_groups(runs, "none")["gat"]] == ["a/x/gat", "b/x/gat"]


def test_seeds_are_those_of_the_models_and_unknown_where_a_table_has_none(make_gat, make_csv):
    models = make_models(20)
    models.loc[3, "test_loss"] = np.nan
    words, numbers = (cloud(3).assign(seed=seeds) for seeds in (["a", "b", None], [5, 6, 7]))
    runs = [make_gat(models=models), make_csv("a.csv", cloud(9)), make_csv("b.csv", words), make_csv("c.csv", numbers)]
    run, without, unknown, known = read_groups(runs, "none")["gat"]
    assert list(run.seeds) == [seed for seed in range(20) if seed != 3]
    assert without.seeds is None and unknown.seeds is None and list(known.seeds) == [5, 6, 7]
