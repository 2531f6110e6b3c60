import numpy as np
import pytest
import scipy

from keras_sharpness.errors import InputError
from keras_sharpness.statistics.simultaneous import simultaneous


def test_all_hold_together():
    # Means of 8 normal numbers, 20 at a time.
    draws = np.random.default_rng(0).normal(size=(2000, 20, 8))
    means, reach = draws.mean(2), scipy.stats.t(7).isf(0.025) * draws.std(2, ddof=1) / 8**0.5
    low, high = simultaneous(means - reach, means + reach, degrees=7, num_quantities=20)
    assert ((low < 0) & (high > 0)).all(1).mean() == pytest.approx(0.95, abs=0.015)
    assert (np.abs(means) < reach).all(1).mean() < 0.5


def test_one_quantity_keeps_its_own():
    assert simultaneous(0.25, 0.5, degrees=19, num_quantities=1) == pytest.approx((0.25, 0.5))


@pytest.mark.parametrize("change", [{"confidence": 1.0}, {"degrees": 0}, {"num_quantities": 0}])
def test_bad_input_is_refused(change):
    with pytest.raises(InputError, match=next(iter(change))):
        simultaneous(0.0, 1.0, **{"degrees": 7, "num_quantities": 2} | change)
