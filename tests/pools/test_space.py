import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.pools.space import settings_of

GRID = {"width": [16, 32], "learning_rate": np.array([0.1, 0.2, 0.3])}


def test_lists_mean_all_combinations_and_numbers_of_numpy_become_plain():
    settings = settings_of(GRID)
    assert settings == [{"width": w, "learning_rate": r} for w in (16, 32) for r in (0.1, 0.2, 0.3)]
    assert {type(setting["learning_rate"]) for setting in settings} == {float}


def test_a_list_of_settings_stays_as_it_is():
    assert settings_of([{"a": 1, "b": None}, {"b": "x", "a": 2}]) == [{"a": 1, "b": None}, {"a": 2, "b": "x"}]
    assert settings_of({}) == [{}]


def test_a_draw_of_a_grid_is_without_replacement_and_repeatable():
    drawn = settings_of(GRID, num_settings=4, seed=1)
    assert len(drawn) == 4 and all(setting in settings_of(GRID) for setting in drawn)
    assert drawn == settings_of(GRID, num_settings=4, seed=1) != settings_of(GRID, num_settings=4, seed=2)


def test_a_draw_of_distributions():
    space = {"width": [16, 32], "learning_rate": scipy.stats.loguniform(1e-3, 1e-1)}
    drawn = settings_of(space, num_settings=200)
    rates = [setting["learning_rate"] for setting in drawn]
    assert len({*rates}) == 200 and 1e-3 <= min(rates) < 2e-3 and 5e-2 < max(rates) <= 1e-1
    assert {setting["width"] for setting in drawn} == {16, 32}


@pytest.mark.parametrize(
    ("space", "options", "message"),
    [
        ({"width": []}, {}, "at least one value"),
        ({"width": 16}, {}, "must give a list of values for each name"),
        ({"rate": scipy.stats.uniform()}, {}, "with `num_settings` a distribution"),
        ({"seed": [1]}, {}, "other than the columns"),
        ({"width": [1, 1]}, {}, "each setting once"),
        ([], {}, "a dictionary of values, or a list of settings"),
        (3, {}, "a dictionary of values, or a list of settings"),
        ([{"a": 1}, {"b": 1}], {}, "the same names"),
        ([{"a": 1}], {"num_settings": 1}, "left out where `space` lists settings"),
        (GRID, {"num_settings": 7}, "at most 6"),
        (GRID, {"num_settings": 0}, "at least 1"),
    ],
)
def test_refuses_what_is_no_space(space, options, message):
    with pytest.raises(InputError, match=message):
        settings_of(space, **options)
