import numpy as np
import pytest
from keras import ops
from scipy import stats

from keras_sharpness.arrays import noise


def numbers(fn, *keys, shape=(20000,)):
    return ops.convert_to_numpy(fn(shape, *keys)).astype(np.float64)


def test_bits_are_the_same_on_every_backend():
    # Worked out by hand in Python's integers; pinned so that seeds keep their meaning.
    assert numbers(noise.bits, 1, 2, shape=(3,)).tolist() == [_bits(k, 1, 2) for k in range(3)]


def _hash(x):
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = ((x ^ (x >> shift)) * factor) & 0xFFFFFFFF
    return x ^ (x >> 16)


def _bits(position, *keys):
    stream = 0
    for key in keys:
        stream = _hash(stream ^ key)
    return _hash(position ^ stream)


@pytest.mark.parametrize(("fn", "distribution"), [(noise.uniform, "uniform"), (noise.normal, "norm")])
def test_distributions(fn, distribution):
    for keys in ((0,), (0, 1), (7, 3, 2)):
        assert stats.kstest(numbers(fn, *keys), distribution).pvalue > 1e-3


def test_streams_and_neighbours_are_independent():
    a, b = numbers(noise.normal, 0, 1), numbers(noise.normal, 0, 2)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.03
    assert abs(np.corrcoef(a[1:], a[:-1])[0, 1]) < 0.03
    np.testing.assert_array_equal(a, numbers(noise.normal, 0, 1))


def test_uniform_never_meets_its_ends():
    u = numbers(noise.uniform, 5, shape=(200000,))
    assert 0 < u.min() < u.max() < 1
