"""The answer of a pool over hyper-parameters, in sentences."""

import numpy as np
import pandas as pd

from keras_sharpness.reporting.pool_findings import findings
from keras_sharpness.reporting.pool_folder import read_pool
from keras_sharpness.reporting.ranked_measures import rank


def say(folder, target="gap"):
    pool = read_pool(folder)
    return findings(pool, rank(pool, target))


def only(ranked_pool, measure):
    table = pd.read_csv(ranked_pool / "ranking.csv")
    return {"ranking": table[table["measure"] == measure]}


def test_the_answer_counts_and_names_the_best(ranked_pool):
    answer, best, scope = say(ranked_pool)
    assert answer.startswith("3 of 4 measures rank the gap (test loss minus training loss)")
    assert "hold for all 4 measures at once" in answer and "2 with a positive psi, 1 with a negative one" in answer
    assert "is that of oracle: 1.000 [1.000, 1.000]" in best and "1.000 for learning_rate" in best
    assert "mistakes the order of 0 % of the pairs" in best
    assert "over settings" in scope and "no cause" in scope


def test_a_measure_that_knows_nothing_is_no_answer(make_pool, ranked_pool):
    answer, best, _ = say(make_pool(only(ranked_pool, "shuffled")))
    assert answer.startswith("No measure clearly ranks the gap") and "psi may be 0" in answer
    assert "that of shuffled" in best


def test_a_measure_that_is_always_the_other_way_round_never_errs(make_pool, ranked_pool):
    answer, best, _ = say(make_pool(only(ranked_pool, "opposite")))
    assert answer.startswith("1 of 1 measures ranks")
    assert "where it is larger, the gap (test loss minus training loss) is smaller" in best
    assert "taken the other way round, it mistakes the order of 0 % of the pairs" in best


def test_environments_are_of_the_gap_only(ranked_pool):
    assert "worst environment" in say(ranked_pool)[1]
    answer, best, _ = say(ranked_pool, "test_loss")
    assert "the test loss" in answer and "worst environment" not in best


def test_undefined_psi_is_said(make_pool, ranked_pool):
    table = pd.read_csv(ranked_pool / "ranking.csv").assign(psi=np.nan, psi_low=np.nan, psi_high=np.nan)
    (sentence,) = say(make_pool({"ranking": table}))
    assert sentence.startswith("Psi is undefined for all measures")
