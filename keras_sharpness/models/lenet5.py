"""LeNet-5 with batch normalization, for FashionMNIST."""

import keras
from keras import layers

from keras_sharpness.models.dropout import Dropout


def lenet5(num_classes: int = 10, dropout: float = 0.5, width: float = 1.0) -> keras.Model:
    """Builds the convolutional network of the paper's section III.B, in the widths of its released code.

    Args:
        num_classes: Logits.
        dropout: Rate after each of the first two dense layers.
        width: Factor of the filters and hidden units.

    Returns:
        Model from (batch, 28, 28, 1) to logits of shape (batch, num_classes).
    """
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *_convolution(round(12 * width)),
            *_convolution(round(32 * width)),
            layers.Flatten(),
            *_hidden(round(256 * width), dropout),
            *_hidden(round(128 * width), dropout),
            layers.Dense(num_classes),
        ],
        name="lenet5",
    )


def _convolution(filters: int) -> list[layers.Layer]:
    # PyTorch's constants of batch normalization, which the paper used; Keras's differ.
    normalization = layers.BatchNormalization(epsilon=1e-5, momentum=0.9)
    return [layers.Conv2D(filters, 5), normalization, layers.ReLU(), layers.MaxPooling2D()]


def _hidden(units: int, dropout: float) -> list[layers.Layer]:
    return [layers.Dense(units), Dropout(dropout), layers.ReLU()]
