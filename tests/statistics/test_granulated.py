import itertools

import numpy as np
import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import granulated_kendall
from keras_sharpness.statistics.granulated import granulated_taus

RATES, WIDTHS, SEEDS = (0.1, 0.2, 0.3), (8, 16), (0, 1)


def table(sharpness, test_loss):
    rows = pd.DataFrame(itertools.product(RATES, WIDTHS, SEEDS), columns=["rate", "width", "seed"])
    return rows.assign(sharpness=rows.apply(sharpness, axis=1), test_loss=rows.apply(test_loss, axis=1))


def test_a_measure_that_tracks_one_hyper_parameter_is_found_out():
    # Test loss follows the rate; with the rate fixed, the measure says the opposite.
    data = table(lambda r: 10 * r.rate - r.width - 0.1 * r.seed, lambda r: 10 * r.rate + r.width + 0.1 * r.seed)
    mean, each = granulated_kendall(data, ["rate", "width"])
    assert each == {"rate": 1, "width": -1}
    assert mean == 0


def test_models_that_differ_in_their_seed_only_are_not_compared():
    # Between seeds the measure is wrong, and by far; between rates it is right.
    data = table(lambda r: r.rate + 0.01 * r.seed, lambda r: r.rate - 0.01 * r.seed)
    assert granulated_kendall(data, ["rate", "width"])[1]["rate"] == 1
    with pytest.raises(InputError, match="must not hold the seed"):
        granulated_kendall(data, ["rate", "seed"])


def test_none_is_a_value_of_a_hyper_parameter():
    data = table(lambda r: r.rate, lambda r: -r.rate).replace({"width": {8: None}}).astype({"width": object})
    assert data["width"].isna().any()
    data.loc[data["width"].isna(), "test_loss"] *= -1
    mean, each = granulated_kendall(data, ["rate", "width"])
    assert each["rate"] == 0  # One width says 1, the other -1.


def test_rows_may_have_any_index():
    data = table(lambda r: r.rate, lambda r: -r.rate)
    data.index = [0] * len(data)
    assert granulated_kendall(data.sort_values("test_loss"), ["rate"])[0] == -1


def test_one_hyper_parameter_is_plain_tau():
    data = table(lambda r: r.rate, lambda r: -r.rate)
    assert granulated_kendall(data, ["rate"])[0] == pytest.approx(-1)


def test_groups_without_a_difference_do_not_count():
    data = table(lambda r: 1.0, lambda r: r.rate)
    assert np.isnan(granulated_kendall(data, ["rate", "width"])[0])


def test_missing_columns_are_refused():
    with pytest.raises(InputError, match="a column for each name"):
        granulated_kendall(table(lambda r: 1.0, lambda r: 1.0), ["momentum"])


def test_many_measures_at_once_are_each_alone(monkeypatch):
    rng = np.random.default_rng(0)
    data = table(lambda r: 0.0, lambda r: rng.integers(6)).assign(**{k: rng.integers(4, size=12) for k in "abc"})
    at_once = granulated_taus(data, ["rate", "width"], ["a", "b", "c"], "test_loss")
    monkeypatch.setattr("keras_sharpness.statistics.granulated.MOST_LISTED", 0)
    for name, parts in at_once.iterrows():
        mean, each = granulated_kendall(data, ["rate", "width"], name)
        assert parts.to_dict() == pytest.approx(each) and parts.mean() == pytest.approx(mean)
