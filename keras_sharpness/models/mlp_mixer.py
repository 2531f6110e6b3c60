"""The MLP-Mixer of Tolstikhin et al. (arXiv:2105.01601)."""

import keras
from keras import layers

from keras_sharpness.models import patches
from keras_sharpness.typing import Array

# That of the authors' dense layers.
_INITIALIZER = "lecun_normal"


def mlp_mixer(
    input_shape: tuple[int, int, int] = (32, 32, 3),
    num_classes: int = 10,
    *,
    patch_size: int | tuple[int, int] = 4,
    width: int = 512,
    depth: int = 8,
    token_mlp_width: int = 256,
    channel_mlp_width: int = 2048,
) -> keras.Model:
    """Builds a network of dense layers that mix patches and channels in turn.

    Each of `depth` blocks is equation 1 of the paper, for a table X of S patches (rows) and C = `width` channels:

        U_{*,i} = X_{*,i} + W_2 gelu(W_1 LN(X)_{*,i})      i = 1 ... C (token mixing)
        Y_{j,*} = U_{j,*} + W_4 gelu(W_3 LN(U)_{j,*})      j = 1 ... S (channel mixing)

    Normalization, the mean over patches and a dense layer give the logits. The defaults are those of the authors'
    smallest network, Mixer-S/16, except for the patches, which suit images of 32x32. Mixer-B/16 is
    `mlp_mixer((224, 224, 3), 1000, patch_size=16, width=768, depth=12, token_mlp_width=384, channel_mlp_width=3072)`.

    Args:
        input_shape: Height, width and channels of the images.
        num_classes: Logits.
        patch_size: Height and width of a patch, P, or one number for both.
        width: Channels of each patch, C.
        depth: Blocks.
        token_mlp_width: Hidden units of the MLP over patches, D_S.
        channel_mlp_width: Hidden units of the MLP over channels, D_C.

    Returns:
        Model from (batch, height, width, channels) to logits of shape (batch, num_classes).

    Raises:
        InputError: If `patch_size` does not divide the images.
    """
    images = keras.Input(input_shape)
    x = patches.embed(images, patch_size, width, kernel_initializer=_INITIALIZER)
    for _ in range(depth):
        x = _block(x, token_mlp_width, channel_mlp_width)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization(epsilon=patches.EPSILON)(x))
    return keras.Model(images, layers.Dense(num_classes)(x), name="mlp_mixer")


def _block(x: Array, token_mlp_width: int, channel_mlp_width: int) -> Array:
    turned = layers.Permute((2, 1))(layers.LayerNormalization(epsilon=patches.EPSILON)(x))
    mixed = patches.mlp(turned, token_mlp_width, kernel_initializer=_INITIALIZER)
    u = layers.Add()([x, layers.Permute((2, 1))(mixed)])
    y = layers.LayerNormalization(epsilon=patches.EPSILON)(u)
    return layers.Add()([u, patches.mlp(y, channel_mlp_width, kernel_initializer=_INITIALIZER)])
