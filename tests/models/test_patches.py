import keras
import numpy as np
import pytest
from keras import ops

from keras_sharpness.errors import InputError
from keras_sharpness.models import patches


def test_patches_are_those_of_the_image_row_by_row():
    images = keras.Input((4, 6, 2))
    model = keras.Model(images, patches.embed(images, 2, 5))
    x = np.random.default_rng(0).normal(size=(3, 4, 6, 2)).astype("float32")
    kernel, _ = (ops.convert_to_numpy(v.value) for v in model.trainable_variables)
    cut = [x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].reshape(3, -1) for i in range(2) for j in range(3)]
    expected = np.stack(cut, 1) @ kernel.reshape(-1, 5)
    np.testing.assert_allclose(ops.convert_to_numpy(model(x)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("patch_size", [0, 3, 4])
def test_patches_must_fill_the_image(patch_size):
    with pytest.raises(InputError, match="`patch_size` must divide"):
        patches.embed(keras.Input((4, 6, 2)), patch_size, 5)


def test_mlp_has_the_exact_gelu():
    x = keras.Input((3, 4))
    model = keras.Model(x, patches.mlp(x, 6, dropout=0.5))
    values = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    first, _, second, _ = (ops.convert_to_numpy(v.value) for v in model.trainable_variables)
    hidden = values @ first
    erf = ops.convert_to_numpy(ops.erf(hidden / np.sqrt(2)))
    expected = (0.5 * hidden * (1 + erf)) @ second
    np.testing.assert_allclose(ops.convert_to_numpy(model(values)), expected, rtol=1e-4, atol=1e-5)
    assert [layer.rate for layer in model.layers if "dropout" in layer.name] == [0.5, 0.5]
