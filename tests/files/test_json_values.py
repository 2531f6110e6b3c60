import numpy as np
import pandas as pd
import pytest

from keras_sharpness.files.json_values import json_ready


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": (1, "b", None)}, {"a": [1, "b", None]}),
        (np.array([[1.5, np.nan], [np.inf, 2.0]]), [[1.5, None], [None, 2.0]]),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (pd.DataFrame({"rho": [0.1], "m": [64]}), [{"rho": 0.1, "m": 64}]),
    ],
)
def test_values_as_json_has_them(value, expected):
    found = json_ready(value)
    assert found == expected
    assert type(found) is type(expected)
