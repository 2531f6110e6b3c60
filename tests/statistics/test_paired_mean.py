import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import paired_difference

A, B = np.random.default_rng(0).normal(size=(2, 12)) + [[0.4], [0.0]]


def test_equals_scipys_paired_t_test():
    expected = scipy.stats.ttest_rel(A, B)
    found = paired_difference(A, B, confidence=0.9)
    assert found.p_value == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.9)
    assert (found.ci_low, found.ci_high) == pytest.approx((interval.low, interval.high))
    assert found.difference == pytest.approx((A - B).mean())


def test_equal_treatments_do_not_differ():
    found = paired_difference(A, A)
    assert (found.difference, found.ci_low, found.ci_high, found.p_value) == (0, 0, 0, 1)


@pytest.mark.parametrize(("a", "b"), [(A, B[1:]), (A[:1], B[:1]), (A, B * np.nan)])
def test_what_cannot_be_compared_is_refused(a, b):
    with pytest.raises(InputError):
        paired_difference(a, b)
