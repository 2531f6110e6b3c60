import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import conditional_information
from keras_sharpness.statistics.conditional_information import Pairs, smallest
from tests.support.pool_tables import HYPER_PARAMETERS, grid_table

TABLE = grid_table()


@pytest.mark.parametrize("measure", ["oracle", "opposite"])
def test_a_measure_that_knows_the_order_has_all_information(measure):
    assert conditional_information(TABLE, HYPER_PARAMETERS, measure).value == pytest.approx(1)


def test_a_shuffled_measure_has_next_to_none():
    assert conditional_information(TABLE, HYPER_PARAMETERS, "shuffled").value < 0.01


def test_what_only_tracks_one_hyper_parameter_knows_little_given_it():
    r = conditional_information(TABLE, HYPER_PARAMETERS, "only_rate")
    assert r.by_set[()] > 0.1
    assert r.value == min(r.by_set.values()) < 0.02
    assert r.by_set["learning_rate",] < r.by_set["width",]


def test_by_hand():
    # Three models, one set without conditions: six ordered pairs; signs (1,1) and (0,0) twice each, (1,0), (0,1) once.
    table = grid_table().iloc[:3].assign(gap=[1.0, 2.0, 3.0], mine=[1.0, 3.0, 2.0])
    joint = np.array([[2, 1], [1, 2]]) / 6
    information = sum(p * np.log(p / 0.25) for p in joint.ravel())
    r = conditional_information(table, ["width"], "mine", most_given=0)
    assert r.value == pytest.approx(information / np.log(2))


def test_too_few_models_are_refused():
    with pytest.raises(InputError, match="at least three models"):
        conditional_information(TABLE.iloc[:2], ["width"], "oracle")


def test_leaving_parts_out_is_counting_the_other_pairs():
    table, rng = grid_table(), np.random.default_rng(0)
    pairs, parts = Pairs(table, HYPER_PARAMETERS), rng.integers(0, 4, len(table))
    x, y = table["shuffled"].to_numpy(), table["gap"].to_numpy()
    expected = [smallest(pairs.information(x, y, parts != part)) for part in range(4)]
    np.testing.assert_allclose(pairs.without_parts(x, y, parts), expected, rtol=1e-9)


def test_of_a_large_pool_some_models_are_drawn(monkeypatch):
    monkeypatch.setitem(Pairs.__init__.__globals__, "MOST_PAIRED", 40)
    pairs = Pairs(TABLE, HYPER_PARAMETERS)
    assert len(TABLE) > 40 and len(pairs._first) == len(pairs._second) == 40 * 39
    assert len({*pairs._first.tolist()}) == 40 and max(pairs._first) > 40
    assert conditional_information(TABLE, HYPER_PARAMETERS, "oracle").value == pytest.approx(1)
    assert conditional_information(TABLE, HYPER_PARAMETERS, "shuffled").value < 0.2
