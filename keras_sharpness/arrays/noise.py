"""Random numbers that do not depend on the backend: integers mixed by hashing.

Every backend has its own generators. A hash of (seed, counters, position) in integer arithmetic gives the same bits on
all of them, needs no state, and any part of a stream without the parts before it.
"""

import math

from keras import ops

from keras_sharpness.typing import Array

_MASK = 0xFFFFFFFF
# Takes the place of zero, which the hash maps to itself: without it a leading key of zero would change nothing. Not a
# seed that a user can give, as these are below 2**31.
_ZERO = 0x9E3779B9


def bits(shape: tuple[int, ...], *keys: Array) -> Array:
    """Returns 32 random bits for each entry of an array, as unsigned integers.

    Args:
        shape: Shape of the array.
        *keys: Integers, scalars, that name the stream: a seed, counters. They are hashed one into the next.
    """
    stream = _uint32(0)
    for key in keys:
        # Keras holds seeds in 32 or 64 bits, signed or not, as the backend has it.
        mixed = ops.bitwise_xor(stream, ops.bitwise_and(ops.cast(key, "uint32"), _uint32(_MASK)))
        stream = _hash(ops.where(mixed == _uint32(0), _uint32(_ZERO), mixed))
    positions = ops.reshape(ops.cast(ops.arange(math.prod(shape)), "uint32"), shape)
    return _hash(ops.bitwise_xor(positions, stream))


def uniform(shape: tuple[int, ...], *keys: Array) -> Array:
    """Returns numbers uniform in the open interval (0, 1), float32; arguments as of `bits`."""
    # The 24 bits that a float32 holds, and a half, so that neither 0 nor 1 occurs.
    return (ops.cast(ops.right_shift(bits(shape, *keys), _uint32(8)), "float32") + 0.5) * 2.0**-24


def normal(shape: tuple[int, ...], *keys: Array) -> Array:
    """Returns standard normal numbers, float32, by the transformation of Box and Muller; arguments as of `bits`."""
    radius = ops.sqrt(-2.0 * ops.log(uniform(shape, *keys, 1)))
    return radius * ops.cos(2 * math.pi * uniform(shape, *keys, 2))


def _hash(x: Array) -> Array:
    """Returns 32-bit integers mixed by xor-shift-multiply: each input bit changes each output bit half the time."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = ops.bitwise_xor(x, ops.right_shift(x, _uint32(shift))) * _uint32(factor)
        # PyTorch has no unsigned integers of 32 bits; Keras holds them in 64, which are cut back here.
        x = ops.bitwise_and(x, _uint32(_MASK))
    return ops.bitwise_xor(x, ops.right_shift(x, _uint32(16)))


def _uint32(value: int) -> Array:
    return ops.convert_to_tensor(value, dtype="uint32")
