"""Mean and variance that TensorFlow can differentiate twice.

`tf.nn.moments` takes the mean in its variance for a constant. The first derivative is right all the same, because the
sum of x - mean is zero. The second derivative lacks a term, -2 mean(v) / n for a direction v, and with it every product
of a Hessian with layer or group normalization, or batch normalization in training mode. That matrix is symmetric too.
"""

import contextlib
from typing import Any

import tensorflow as tf

from keras_sharpness.backend.internals import tensorflow_moments


def twice_differentiable() -> contextlib.AbstractContextManager[None]:
    """Returns a context in which Keras's normalizations have a second derivative; the values are the same bits."""
    return tensorflow_moments(_moments)


def _moments(x: Any, axes: Any, keepdims: bool) -> tuple[Any, Any]:
    mean = tf.reduce_mean(x, axes, keepdims=True)
    variance = tf.reduce_mean(tf.math.squared_difference(x, mean), axes, keepdims=keepdims)
    return (mean if keepdims else tf.squeeze(mean, axes)), variance
