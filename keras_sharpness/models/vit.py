"""The vision transformer of Dosovitskiy et al. (arXiv:2010.11929)."""

import math
from typing import Any, Literal

import keras
from keras import layers, ops

from keras_sharpness.errors import require
from keras_sharpness.models import patches
from keras_sharpness.models.dropout import Dropout
from keras_sharpness.typing import Array


def vit(
    input_shape: tuple[int, int, int] = (32, 32, 3),
    num_classes: int = 10,
    *,
    patch_size: int = 4,
    width: int = 192,
    depth: int = 12,
    num_heads: int = 3,
    mlp_width: int | None = None,
    pooling: Literal["token", "mean"] = "token",
    dropout: float = 0.0,
) -> keras.Model:
    """Builds a transformer of image patches.

    Equations 1 to 4 of the paper, for N patches, width D and L = `depth` blocks:

        z_0  = [x_class; x_p^1 E; ...; x_p^N E] + E_pos
        z'_l = MSA(LN(z_{l-1})) + z_{l-1}        l = 1 ... L
        z_l  = MLP(LN(z'_l)) + z'_l              l = 1 ... L
        y    = LN(z_L)[class token]

    A dense layer maps y to logits. The defaults are those of the authors' smallest network, ViT-Ti/16, except for the
    patches, which suit images of 32x32. ViT-B/16 is `vit((224, 224, 3), 1000, patch_size=16, width=768, num_heads=12)`.

    Args:
        input_shape: Height, width and channels of the images.
        num_classes: Logits.
        patch_size: Height and width of a patch, P.
        width: Width of each patch's vector, D.
        depth: Blocks, L.
        num_heads: Attention heads; divides `width`.
        mlp_width: Hidden units of each block's MLP; None: four times the width.
        pooling: "token": y is that of the class token; "mean": there is no such token, and y is the mean over patches.
        dropout: Rate after the positions, each attention and each dense layer but the last.

    Returns:
        Model from (batch, height, width, channels) to logits of shape (batch, num_classes).

    Raises:
        InputError: If `num_heads` does not divide the width, `patch_size` not the images, or `pooling` is unknown.
    """
    require(pooling in ("token", "mean"), "`pooling` must be 'token' or 'mean'", pooling=pooling)
    fits = num_heads > 0 and width % num_heads == 0
    require(fits, "`num_heads` must divide `width`", num_heads=num_heads, width=width)
    images = keras.Input(input_shape)
    z = Tokens(class_token=pooling == "token")(patches.embed(images, patch_size, width))
    z = Dropout(dropout)(z)
    for _ in range(depth):
        z = _block(z, num_heads, 4 * width if mlp_width is None else mlp_width, dropout)
    z = layers.LayerNormalization(epsilon=patches.EPSILON)(z)
    y = z[:, 0] if pooling == "token" else layers.GlobalAveragePooling1D()(z)
    return keras.Model(images, layers.Dense(num_classes)(y), name="vit")


@keras.saving.register_keras_serializable("keras_sharpness")
class Tokens(layers.Layer):
    """Puts a learned class token before the patches, and adds a learned position to each (equation 1).

    Args:
        class_token: Whether there is a class token.
        **kwargs: Keras layer arguments.

    Call arguments:
        patches: Shape (batch, N, D).

    Call returns:
        Shape (batch, N + 1, D), or (batch, N, D) without a class token.
    """

    def __init__(self, class_token: bool = True, **kwargs: Any) -> None:
        """See the class."""
        super().__init__(**kwargs)
        self.class_token = class_token

    def build(self, patches_shape: tuple[Any, ...]) -> None:
        """Creates the weights, each with a first axis of size one as in PyTorch."""
        _, count, width = patches_shape
        if self.class_token:
            self.token = self.add_weight(shape=(1, 1, width), initializer="zeros", name="class_token")
        normal = keras.initializers.RandomNormal(stddev=0.02)
        shape = (1, count + self.class_token, width)
        self.positions = self.add_weight(shape=shape, initializer=normal, name="positions")

    def call(self, patches: Array) -> Array:
        """Returns class token and patches with their positions; see the class."""
        if self.class_token:
            # Not `ops.repeat`: the batch size may be unknown.
            token = self.token + ops.zeros_like(patches[:, :1])
            patches = ops.concatenate([token, patches], axis=1)
        return patches + self.positions

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "class_token": self.class_token}


def _block(z: Array, num_heads: int, mlp_width: int, dropout: float) -> Array:
    width = z.shape[-1]
    # Keras counts the axes of an attention's kernels as if they were those of a convolution, which makes its Glorot
    # initializer several times too small. Each kernel maps width to width.
    limit = math.sqrt(3 / width)
    attend = layers.MultiHeadAttention(
        num_heads, width // num_heads, kernel_initializer=keras.initializers.RandomUniform(-limit, limit)
    )
    x = layers.LayerNormalization(epsilon=patches.EPSILON)(z)
    z = layers.Add()([z, Dropout(dropout)(attend(x, x))])
    x = layers.LayerNormalization(epsilon=patches.EPSILON)(z)
    return layers.Add()([z, patches.mlp(x, mlp_width, dropout)])
