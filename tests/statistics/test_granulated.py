import itertools

import numpy as np
import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import granulated_kendall

RATES, WIDTHS, SEEDS = (0.1, 0.2, 0.3), (8, 16), (0, 1)


def table(sharpness, test_loss):
    rows = pd.DataFrame(itertools.product(RATES, WIDTHS, SEEDS), columns=["rate", "width", "seed"])
    return rows.assign(sharpness=rows.apply(sharpness, axis=1), test_loss=rows.apply(test_loss, axis=1))


def test_a_measure_that_tracks_one_hyper_parameter_is_found_out():
    # Test loss follows the rate; with the rate fixed, the measure says the opposite.
    data = table(lambda r: 10 * r.rate - r.width - 0.1 * r.seed, lambda r: 10 * r.rate + r.width + 0.1 * r.seed)
    mean, each = granulated_kendall(data, ["rate", "width", "seed"])
    assert each == {"rate": 1, "width": -1, "seed": -1}
    assert mean == pytest.approx(-1 / 3)


def test_one_hyper_parameter_is_plain_tau():
    data = table(lambda r: r.rate, lambda r: -r.rate)
    assert granulated_kendall(data, ["rate"])[0] == pytest.approx(-1)


def test_groups_without_a_difference_do_not_count():
    data = table(lambda r: 1.0, lambda r: r.rate)
    assert np.isnan(granulated_kendall(data, ["rate", "width"])[0])


def test_missing_columns_are_refused():
    with pytest.raises(InputError, match="a column for each name"):
        granulated_kendall(table(lambda r: 1.0, lambda r: 1.0), ["momentum"])
