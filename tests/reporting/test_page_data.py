import numpy as np
import pandas as pd

from keras_sharpness.reporting.page_data import axis_column, finite_numbers, member_texts


def test_what_json_lacks_is_none():
    assert finite_numbers(np.array([1.5, np.nan, -np.inf])) == [1.5, None, None]


def test_a_column_without_bars_has_none():
    column = axis_column("rise", "Rise", pd.Series([0.0, np.nan, 1.0]), np.zeros(3))
    assert column["bars"] is None and column["values"] == [0.0, None, 1.0] and column["scale"] == "linear"


def test_models_are_told_apart_by_what_they_have():
    models = pd.DataFrame({"seed": [2**63 - 1]})
    assert member_texts(models, ("seed", "epochs")) == {"model": ["0"], "seed": [str(2**63 - 1)]}
