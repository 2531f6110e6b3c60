"""Sizes and structure; outputs are compared with PyTorch's encoder in `test_torch_layouts.py`."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_sharpness.errors import InputError
from keras_sharpness.models import vit

SMALL = {"patch_size": 4, "width": 12, "depth": 2, "num_heads": 3}


def count(tokens, patch, classes, width, depth, mlp_width, channels=3):
    """Patches, positions and class token; two normalizations, attention and MLP a block; normalization and head."""
    embedding = (patch**2 * channels + 1) * width + tokens * width
    attention = 4 * (width + 1) * width
    mlp = (width + 1) * mlp_width + (mlp_width + 1) * width
    return embedding + depth * (4 * width + attention + mlp) + 2 * width + (width + 1) * classes


def size(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def test_the_closed_form_is_that_of_the_published_network():
    """ViT-B/16 at 224x224 has 86 million parameters in the paper's table 1, 86,567,656 in torchvision."""
    assert count(197, 16, 1000, 768, 12, 3072) + 768 == 86_567_656


def test_sizes():
    assert size(vit((16, 16, 3), 5, **SMALL)) == count(17, 4, 5, 12, 2, 48) + 12
    assert size(vit((16, 16, 3), 5, **SMALL, pooling="mean")) == count(16, 4, 5, 12, 2, 48)
    assert size(vit((16, 8, 1), 5, **SMALL, mlp_width=7)) == count(9, 4, 5, 12, 2, 7, channels=1) + 12


def test_defaults_are_those_of_the_smallest_published_network():
    assert size(vit()) == count(65, 4, 10, 192, 12, 768) + 192


@pytest.mark.parametrize("pooling", ["token", "mean"])
def test_patches_have_an_order_only_by_their_positions(pooling):
    model = vit((8, 8, 3), 5, **SMALL, pooling=pooling)
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    swapped = np.concatenate([x[:, 4:], x[:, :4]], axis=1)
    a, b = (ops.convert_to_numpy(model(images)) for images in (x, swapped))
    assert np.abs(a - b).max() > 1e-3
    positions = next(v for v in model.trainable_variables if v.path.endswith("positions"))
    positions.assign(positions * 0)
    a, b = (ops.convert_to_numpy(model(images)) for images in (x, swapped))
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_attention_starts_with_glorots_limit():
    kernels = [v for v in vit(depth=1).trainable_variables if "attention" in v.path and "kernel" in v.path]
    for kernel in kernels:
        largest = np.abs(ops.convert_to_numpy(kernel.value)).max()
        assert 0.95 < largest / np.sqrt(6 / (192 + 192)) <= 1
    assert len(kernels) == 4


def test_a_saved_model_has_the_same_outputs(tmp_path):
    model = vit((8, 8, 3), 5, **SMALL, dropout=0.1)
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(again(x)), ops.convert_to_numpy(model(x)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "max"}, "'token' or 'mean'"),
        ({"num_heads": 5}, "divide `width`"),
        ({"patch_size": 5}, "patch_size"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        vit(**options)
