"""Networks of today's kinds and a masked encoder: every backend, in a process of its own, gives the same numbers."""

import pytest

from tests.support import measuring
from tests.support.measuring import results_of_program  # noqa: F401  (a fixture)

NAMES = ("vit", "mlp_mixer", "resnet20", "encoder")

PROGRAM = """
import keras, numpy as np
from keras import layers
import keras_sharpness as ks
from tests.support import measuring

rng = np.random.default_rng(0)
images, labels = rng.normal(size=(8, 16, 16, 3)).astype("float32"), rng.integers(0, 10, 8)
tokens = (rng.integers(1, 20, (8, 6)) * (np.arange(6) < rng.integers(2, 7, (8, 1)))).astype("int32")


def encoder():
    # Padding is masked in the attention and in the mean.
    words = keras.Input((6,), dtype="int32")
    x = layers.Embedding(20, 8, mask_zero=True)(words)
    x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)]))
    x = layers.LayerNormalization()(layers.Add()([x, layers.Dense(8)(layers.Dense(16, activation="gelu")(x))]))
    return keras.Model(words, layers.Dense(10)(layers.GlobalAveragePooling1D()(x)))


small = {"patch_size": 8, "width": 8, "depth": 1}
models = {
    "vit": ks.models.vit((16, 16, 3), num_heads=2, **small),
    "mlp_mixer": ks.models.mlp_mixer((16, 16, 3), token_mlp_width=6, channel_mlp_width=16, **small),
    "resnet20": ks.models.resnet20((16, 16, 3), blocks_per_stage=1),
    "encoder": encoder(),
}
measuring.measure_all({
    name: (model, tokens if name == "encoder" else images, labels) for name, model in models.items()
})
"""


@pytest.mark.parametrize("name", NAMES)
def test_numbers_agree(results, name):
    measuring.assert_agree(results, name)
