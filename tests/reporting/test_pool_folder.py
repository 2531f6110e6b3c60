"""The files of a pool over hyper-parameters are read and checked."""

import numpy as np
import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.reporting.pool_folder import read_pool
from tests.support.pool_folders import MEASURES


def test_models_that_missed_or_diverged_are_not_ranked(ranked_pool):
    pool = read_pool(ranked_pool)
    assert len(pool.models) == 75 and len(pool.ranked) == 72
    assert set(pool.ranked["status"]) == {"reached"}
    assert pool.targets == ["gap", "error_gap", "test_loss"]
    assert pool.heading == "Abalone: which measures rank generalization?"
    assert pool.kind("only_rate") == "pac bayes" and pool.kind("unheard of") == "other"


def test_models_without_a_measure_are_left_out_of_it(make_pool, ranked_pool):
    models = pd.read_csv(ranked_pool / "models.csv")
    models.loc[:4, "oracle"] = [np.nan, np.inf, -np.inf, 1e300, 1.0]
    pool = read_pool(make_pool({"models": models}))
    assert len(pool.having("gap", "oracle")) == 71 and len(pool.finite("gap", "oracle")) == 69
    # What is infinite is larger, or smaller, than all others.
    assert pool.having("gap", "oracle")["oracle"].rank()[[1, 2]].tolist() == [71, 1]


def test_words_are_hyper_parameters_too(make_pool, ranked_pool):
    models = pd.read_csv(ranked_pool / "models.csv").assign(decay="none")
    assert set(read_pool(make_pool({"models": models})).ranked["decay"]) <= {"none", None, np.nan}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("summary.json", '{"hyper_parameters": []}', "must hold a list of names, `hyper_parameters`"),
        ("summary.json", "{", "summary.json must be JSON"),
        ("pool.json", "[]", "pool.json must hold a JSON object"),
        ("ranking.csv", "target,measure\n", "ranking.csv must have the columns"),
        (
            "models.csv",
            "index,setting,gap,test_loss,error_gap\n0,0,1,1,1\n",
            "a column for each hyper-parameter .*learning_rate",
        ),
        ("environments.csv", "first,second\n1,2\n", "environments.csv must have the columns"),
        ("environments.csv", None, "environments.csv must be a readable file"),
    ],
)
def test_missing_or_damaged_file_is_named_in_a_line(make_pool, name, content, message):
    folder = make_pool()
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        read_pool(folder)
    assert "\n" not in str(caught.value)


def test_a_measure_in_words_is_refused(make_pool, ranked_pool):
    models = pd.read_csv(ranked_pool / "models.csv").assign(**{MEASURES[0]: "large"})
    with pytest.raises(InputError, match=r"must hold numbers. Received: not_numbers=\['oracle'\]"):
        read_pool(make_pool({"models": models}))
