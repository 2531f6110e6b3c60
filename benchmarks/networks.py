"""The networks whose calls are timed, in Keras. `torch_networks` has the same in plain PyTorch."""

import keras
from keras import layers

import keras_sharpness as ks


def dense() -> keras.Model:
    """Returns the network 784-100-100-10."""
    hidden = [layers.Dense(100, activation="relu"), layers.Dense(100, activation="relu")]
    return keras.Sequential([keras.Input((784,)), *hidden, layers.Dense(10)])


def cnn() -> keras.Model:
    """Returns a network of two convolutions with batch normalization."""
    first = [layers.Conv2D(16, 3), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D()]
    second = [layers.Conv2D(32, 3), layers.BatchNormalization(), layers.ReLU(), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((28, 28, 1)), *first, *second, layers.Dense(10)])


def resnet20() -> keras.Model:
    """Returns ResNet-20 for 32x32x3 (arXiv:1512.03385, section 4.2), shortcuts of 1x1 convolutions."""
    inputs = keras.Input((32, 32, 3))
    x = layers.ReLU()(_normalized(inputs, 16, 3, 1))
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        for block in range(3):
            step = stride if block == 0 else 1
            y = layers.ReLU()(_normalized(x, filters, 3, step))
            y = _normalized(y, filters, 3, 1)
            shortcut = _normalized(x, filters, 1, step) if x.shape[-1] != filters else x
            x = layers.ReLU()(layers.add([y, shortcut]))
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def vit() -> keras.Model:
    """Returns a small vision transformer: patches of 4x4, pre-normalization, mean of the tokens."""
    return ks.models.vit(width=64, depth=4, num_heads=4, pooling="mean")


BUILD = {"dense": dense, "resnet20": resnet20, "vit": vit, "cnn": cnn}


def _normalized(x: keras.KerasTensor, filters: int, size: int, stride: int) -> keras.KerasTensor:
    x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)
