import keras
import numpy as np
import pytest
from keras import ops

from keras_sharpness.errors import InputError
from keras_sharpness.models import mlp_mixer
from tests.support import cases

SMALL = {"patch_size": 4, "width": 6, "depth": 2, "token_mlp_width": 5, "channel_mlp_width": 7}


def count(patches, patch, classes, width, depth, token_mlp_width, channel_mlp_width):
    """Patches; two normalizations and two MLPs a block; normalization and head."""
    token = patches * token_mlp_width + token_mlp_width + token_mlp_width * patches + patches
    channel = width * channel_mlp_width + channel_mlp_width + channel_mlp_width * width + width
    return (patch**2 * 3 + 1) * width + depth * (4 * width + token + channel) + 2 * width + (width + 1) * classes


def size(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def test_the_closed_form_is_that_of_the_published_networks():
    """59 and 18 million in the paper's table 1; the exact numbers are those of other programs."""
    assert count(196, 16, 1000, 768, 12, 384, 3072) == 59_880_472
    assert count(196, 16, 1000, 512, 8, 256, 2048) == 18_528_264


def test_sizes():
    assert size(mlp_mixer((8, 12, 3), 5, **SMALL)) == count(6, 4, 5, 6, 2, 5, 7)
    assert size(mlp_mixer()) == count(64, 4, 10, 512, 8, 256, 2048)


def gelu(x):
    return 0.5 * x * (1 + ops.convert_to_numpy(ops.erf(x / np.sqrt(2))))


def test_outputs_are_those_of_equation_1():
    model = cases.randomize(mlp_mixer((8, 12, 3), 5, **SMALL))
    x = np.random.default_rng(0).normal(size=(3, 8, 12, 3)).astype("float32")
    weights = iter(ops.convert_to_numpy(v.value).astype("float64") for v in model.trainable_variables)

    def normalize(x):
        scale, offset = next(weights), next(weights)
        return scale * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6) + offset

    def dense(x):
        kernel, bias = next(weights), next(weights)
        return x @ kernel + bias

    cut = [x[:, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4].reshape(3, -1) for i in range(2) for j in range(3)]
    kernel, bias = next(weights), next(weights)
    y = np.stack(cut, 1) @ kernel.reshape(-1, 6) + bias
    for _ in range(2):
        y = y + dense(gelu(dense(normalize(y).swapaxes(1, 2)))).swapaxes(1, 2)
        y = y + dense(gelu(dense(normalize(y))))
    expected = dense(normalize(y).mean(1))
    np.testing.assert_allclose(ops.convert_to_numpy(model(x)), expected, rtol=1e-4, atol=1e-4)


def test_a_saved_model_has_the_same_outputs(tmp_path):
    model = mlp_mixer((8, 12, 3), 5, **SMALL)
    x = np.random.default_rng(0).normal(size=(2, 8, 12, 3)).astype("float32")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(again(x)), ops.convert_to_numpy(model(x)))


def test_patches_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="`patch_size` must divide"):
        mlp_mixer(patch_size=5)
