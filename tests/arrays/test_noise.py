import numpy as np
import pytest
from keras import ops
from scipy import stats

from keras_sharpness.arrays import noise


def numbers(fn, *keys, shape=(20000,)):
    return ops.convert_to_numpy(fn(shape, *keys)).astype(np.float64)


def test_bits_are_the_same_on_every_backend():
    for keys in ((1, 2), (0, 3), (5, 0)):
        assert numbers(noise.bits, *keys, shape=(3,)).tolist() == [_bits(k, *keys) for k in range(3)]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ((7,), [1420618368, 2229265414, 2569398902]),
        ((7, 3, 2), [3786589336, 708795084, 2981595564]),
        ((1, 0, 5), [2776193364, 2887379877, 3945907617]),
        ((2**32 - 1, 0), [4034682539, 3577489370, 2416798955]),
    ],
)
def test_seeds_keep_their_meaning(keys, expected):
    # Masks of dropout, and so the pools of all studies, depend on these bits.
    assert numbers(noise.bits, *keys, shape=(3,)).tolist() == expected


def test_zero_is_a_key_like_any_other():
    streams = [(), (0,), (0, 0), (7,), (0, 7), (0, 0, 7), (7, 0), (7, 0, 0)]
    assert len({tuple(numbers(noise.bits, *keys, shape=(4,))) for keys in streams}) == len(streams)
    a, b = numbers(noise.normal, 0, 7), numbers(noise.normal, 7)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.03


def _hash(x):
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = ((x ^ (x >> shift)) * factor) & 0xFFFFFFFF
    return x ^ (x >> 16)


def _bits(position, *keys):
    stream = 0
    for key in keys:
        stream = _hash((stream ^ key) or 0x9E3779B9)
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


def test_uniform_is_never_zero_or_one():
    u = numbers(noise.uniform, 5, shape=(200000,))
    assert 0 < u.min() < u.max() < 1
