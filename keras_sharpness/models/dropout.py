"""Dropout whose masks do not depend on the backend."""

import math

import keras
from keras import ops

from keras_sharpness.typing import Array


@keras.saving.register_keras_serializable("keras_sharpness")
class Dropout(keras.layers.Dropout):
    """Keras's dropout, its masks hashed from the seed, a step counter and the position in the array.

    Every backend draws its own random numbers, so that equal seeds train unequal networks. This layer keeps the seed
    generator of `keras.layers.Dropout` (a state of two integers, seed and counter) and hashes it instead.
    """

    def call(self, inputs: Array, training: bool = False) -> Array:
        """Returns the inputs, in training with a share `rate` zeroed and the others scaled by 1 / (1 - rate)."""
        if not training or self.rate == 0:
            return inputs
        # Keras holds the state in 32 or 64 bits, signed or not, as the backend has it.
        state = ops.bitwise_and(ops.cast(self.seed_generator.next(), "uint32"), _uint32(0xFFFFFFFF))
        seed, counter = ops.unstack(state, 2)
        shape = ops.shape(inputs)
        positions = ops.reshape(ops.cast(ops.arange(math.prod(shape)), "uint32"), shape)
        bits = _hash(ops.bitwise_xor(positions, _hash(ops.bitwise_xor(counter, _hash(seed)))))
        keep = ops.cast(bits >= _uint32(int(self.rate * 2**32)), inputs.dtype)
        return inputs * keep / (1.0 - self.rate)


def _hash(x: Array) -> Array:
    """Returns 32-bit integers mixed by xor-shift-multiply: each input bit changes each output bit half the time."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = ops.bitwise_xor(x, ops.right_shift(x, _uint32(shift))) * _uint32(factor)
        # PyTorch has no unsigned integers of 32 bits; Keras holds them in 64, which are cut back here.
        x = ops.bitwise_and(x, _uint32(0xFFFFFFFF))
    return ops.bitwise_xor(x, ops.right_shift(x, _uint32(16)))


def _uint32(value: int) -> Array:
    return ops.convert_to_tensor(value, dtype="uint32")
