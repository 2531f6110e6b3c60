"""The residual network for CIFAR of He et al. (arXiv:1512.03385, section 4.2)."""

import keras
from keras import layers, ops

from keras_sharpness.errors import require
from keras_sharpness.typing import Array


def resnet20(
    input_shape: tuple[int, int, int] = (32, 32, 3), num_classes: int = 10, blocks_per_stage: int = 3
) -> keras.Model:
    """Builds the residual network of 6n + 2 layers with weights, n = `blocks_per_stage`: 20 by default.

    A convolution, then three stages of n blocks with 16, 32 and 64 filters on maps of full, half and quarter size, then
    the mean over each map, and a dense layer. A block is y = relu(F(x) + x), where F is convolution, normalization,
    ReLU, convolution, normalization, all convolutions 3x3. Where the filters double, the first convolution has stride
    2, and the shortcut takes every second pixel and adds channels of zeros (option A of the paper): it has no weights.

    Args:
        input_shape: Height, width and channels of the images.
        num_classes: Logits.
        blocks_per_stage: Blocks of each stage, n: 3, 5, 7, 9 and 18 in the paper.

    Returns:
        Model from (batch, height, width, channels) to logits of shape (batch, num_classes).

    Raises:
        InputError: If `blocks_per_stage` is below one.
    """
    require(blocks_per_stage >= 1, "`blocks_per_stage` must be at least 1", blocks_per_stage=blocks_per_stage)
    images = keras.Input(input_shape)
    x = layers.ReLU()(_convolution(images, 16))
    for filters in (16, 32, 64):
        for _ in range(blocks_per_stage):
            x = _block(x, filters)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Dense(num_classes)(x), name=f"resnet{6 * blocks_per_stage + 2}")


def _block(x: Array, filters: int) -> Array:
    widens = x.shape[-1] != filters
    y = layers.ReLU()(_convolution(x, filters, strides=2 if widens else 1))
    y = _convolution(y, filters)
    if widens:
        x = layers.AveragePooling2D(1, strides=2)(x)
        x = ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, filters - x.shape[-1])))
    return layers.ReLU()(layers.Add()([y, x]))


def _convolution(x: Array, filters: int, strides: int = 1) -> Array:
    if strides > 1:
        # The paper's padding, one pixel on each side; with strides, Keras's "same" pads only one side.
        x = layers.ZeroPadding2D(1)(x)
    padding = "valid" if strides > 1 else "same"
    # The normalization has an offset, so that the convolution needs none.
    options = {"padding": padding, "use_bias": False, "kernel_initializer": "he_normal"}
    x = layers.Conv2D(filters, 3, strides=strides, **options)(x)
    # PyTorch's constants of batch normalization; Keras's differ.
    return layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(x)
