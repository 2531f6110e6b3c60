"""Sizes and structure; outputs are compared with the same network in PyTorch in `test_torch_layouts.py`."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_sharpness.errors import InputError
from keras_sharpness.models import resnet20


def count(blocks):
    """Convolutions without biases, scale and offset of each channel after them, and the head."""
    convolutions = [(3, 16)] + [(16, 16)] * 2 * blocks
    for filters in (32, 64):
        convolutions += [(filters // 2, filters)] + [(filters, filters)] * (2 * blocks - 1)
    return sum(9 * a * b + 2 * b for a, b in convolutions) + 65 * 10


@pytest.mark.parametrize(("blocks", "million"), [(3, 0.27), (5, 0.46), (7, 0.66), (9, 0.85)])
def test_sizes_are_the_papers(blocks, million):
    """Table 6, without the parameters that a convolution's bias would be."""
    model = resnet20(blocks_per_stage=blocks)
    size = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert size == count(blocks)
    assert round(size / 1e6, 2) == million
    weighted = [layer for layer in model.layers if isinstance(layer, layers.Conv2D | layers.Dense)]
    assert len(weighted) == 6 * blocks + 2
    assert model.name == f"resnet{6 * blocks + 2}"


def test_maps_halve_twice():
    shapes = [layer.output.shape[1:] for layer in resnet20().layers if isinstance(layer, layers.Add)]
    assert shapes == [(32, 32, 16)] * 3 + [(16, 16, 32)] * 3 + [(8, 8, 64)] * 3


def test_a_saved_model_has_the_same_outputs(tmp_path):
    model = resnet20((8, 8, 1), 3, blocks_per_stage=1)
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype("float32")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(again(x)), ops.convert_to_numpy(model(x)))


def test_no_block_is_refused():
    with pytest.raises(InputError, match="`blocks_per_stage` must be at least 1"):
        resnet20(blocks_per_stage=0)
