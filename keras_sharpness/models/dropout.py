"""Dropout whose masks do not depend on the backend."""

import keras
from keras import ops

from keras_sharpness.arrays import noise
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
        seed, counter = ops.unstack(self.seed_generator.next(), 2)
        dropped = ops.convert_to_tensor(int(self.rate * 2**32), dtype="uint32")
        keep = ops.cast(noise.bits(ops.shape(inputs), seed, counter) >= dropped, inputs.dtype)
        return inputs * keep / (1.0 - self.rate)
