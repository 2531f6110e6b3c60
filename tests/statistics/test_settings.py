import numpy as np
import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.statistics.settings import columns, groups

TABLE = pd.DataFrame({"width": [1, 1, 2, 2], "decay": [None, 0.1, None, None], "gap": [0.1, 0.2, 0.3, 0.4], "seed": 0})


def test_models_that_agree_share_a_number():
    np.testing.assert_array_equal(groups(TABLE, []), [0, 0, 0, 0])
    a, b, c, d = groups(TABLE, ["width", "decay"])
    assert c == d and len({a, b, c}) == 3


@pytest.mark.parametrize(
    ("hyper_parameters", "values", "message"),
    [
        (["width"], ["loss"], r"a column for each name\. Received: missing=\['loss'\]"),
        ([], ["gap"], "a column for each name"),
        (["seed"], ["gap"], "must not hold the seed"),
    ],
)
def test_what_does_not_fit_is_refused(hyper_parameters, values, message):
    with pytest.raises(InputError, match=message):
        columns(TABLE, hyper_parameters, values)
