"""Images as sequences of patches, and the two-layer network that each patch goes through."""

from typing import Any

from keras import layers

from keras_sharpness.errors import require
from keras_sharpness.models.dropout import Dropout
from keras_sharpness.typing import Array

# The value of the published networks; Keras's own is 1e-3.
EPSILON = 1e-6


def embed(images: Any, patch_size: int | tuple[int, int], width: int, **options: Any) -> Any:
    """Cuts images into patches that do not overlap, and maps each linearly to a vector.

    A convolution does both at once: its stride is its size.

    Args:
        images: Symbolic images, shape (batch, height, width, channels).
        patch_size: Height and width of a patch, or one number for both; they divide those of the images.
        width: Numbers that stand for a patch.
        **options: Arguments of the convolution.

    Returns:
        Symbolic patches row by row, shape (batch, height * width / size of a patch, width).

    Raises:
        InputError: If `patch_size` does not divide the images' height and width.
    """
    shape = tuple(images.shape[1:])
    high, wide = patch_size if isinstance(patch_size, tuple) else (patch_size, patch_size)
    fits = min(high, wide) > 0 and len(shape) == 3 and not shape[0] % high and not shape[1] % wide
    require(fits, "`patch_size` must divide height and width of the images", patch_size=patch_size, input_shape=shape)
    grid = layers.Conv2D(width, (high, wide), strides=(high, wide), **options)(images)
    return layers.Reshape((shape[0] * shape[1] // (high * wide), width))(grid)


def mlp(x: Array, hidden: int, dropout: float = 0.0, **options: Any) -> Array:
    """Applies dense layer, GELU, dense layer to the last axis, which keeps its size.

    Args:
        x: Symbolic inputs, shape (..., width).
        hidden: Units of the first layer.
        dropout: Rate after each layer.
        **options: Arguments of the dense layers.

    Returns:
        Symbolic outputs in the shape of `x`.
    """
    width = x.shape[-1]
    x = layers.Dense(hidden, activation="gelu", **options)(x)
    x = layers.Dense(width, **options)(Dropout(dropout)(x))
    return Dropout(dropout)(x)
