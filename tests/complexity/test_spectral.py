"""Spectral norms beside the largest singular value of the dense matrix of the circular operator."""

import itertools

import numpy as np
import pytest

from keras_sharpness.complexity.folding import FoldedLayer
from keras_sharpness.complexity.spectral import largest_singular_value, reshaped_norm, spectral_norm
from keras_sharpness.errors import InputError

RNG = np.random.default_rng(0)


def circular(kernel, sizes, strides, dilation):
    """The matrix of a convolution with periodic boundaries, entry by entry."""
    rank, (inputs, outputs) = len(sizes), kernel.shape[-2:]
    kept = [n // s for n, s in zip(sizes, strides, strict=True)]
    matrix = np.zeros((*kept, outputs, *sizes, inputs))
    for out in np.ndindex(*kept):
        for tap in np.ndindex(*kernel.shape[:rank]):
            place = tuple((o * s + t * d) % n for o, s, t, d, n in zip(out, strides, tap, dilation, sizes, strict=True))
            matrix[(*out, slice(None), *place, slice(None))] += kernel[tap].T
    return matrix.reshape(int(np.prod(kept)) * outputs, -1)


@pytest.mark.parametrize(
    ("taps", "channels", "sizes", "strides", "dilation"),
    [
        ((3,), (2, 4), (7,), (1,), (1,)),
        ((3, 2), (3, 2), (5, 6), (1, 1), (1, 1)),
        ((3, 3), (2, 3), (6, 4), (2, 2), (1, 1)),
        ((2, 3), (2, 3), (6, 7), (1, 1), (2, 3)),
        ((2, 2, 2), (1, 2), (4, 3, 2), (2, 1, 1), (1, 1, 1)),
    ],
)
def test_norm_of_a_convolution_is_that_of_its_circular_matrix(taps, channels, sizes, strides, dilation):
    kernel = RNG.normal(size=(*taps, *channels))
    layer = FoldedLayer("conv", kernel, np.zeros(channels[1]), sizes=sizes, strides=strides, dilation=dilation)
    expected = np.linalg.norm(circular(kernel, sizes, strides, dilation), 2)
    assert spectral_norm(layer) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("kind", ["groups", "depthwise"])
def test_channels_that_are_not_mixed_are_operators_of_their_own(kind):
    options = {"sizes": (5, 5), "strides": (1, 1), "dilation": (1, 1)}
    if kind == "groups":
        kernel = RNG.normal(size=(3, 3, 2, 6))
        layer = FoldedLayer("conv", kernel, np.zeros(6), groups=3, **options)
        parts = np.split(kernel, 3, axis=-1)
    else:
        kernel = RNG.normal(size=(3, 3, 4, 2))
        layer = FoldedLayer("conv", kernel, np.zeros(8), depthwise=True, **options)
        parts = [kernel[:, :, [c]] for c in range(4)]
        assert layer.matrix.shape == (8, 9)
    expected = max(np.linalg.norm(circular(part, (5, 5), (1, 1), (1, 1)), 2) for part in parts)
    assert spectral_norm(layer) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("shape", [*itertools.product((1, 3, 8), repeat=2)])
def test_dense_layers_and_reshaped_kernels(shape):
    matrix = RNG.normal(size=shape)
    assert largest_singular_value(matrix) == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-10)
    assert spectral_norm(FoldedLayer("dense", matrix, np.zeros(shape[1]))) == largest_singular_value(matrix)
    kernel = RNG.normal(size=(2, 2, *shape))
    layer = FoldedLayer("conv", kernel, np.zeros(shape[1]), sizes=(4, 4), strides=(1, 1), dilation=(1, 1))
    assert reshaped_norm(layer) == pytest.approx(np.linalg.norm(kernel.reshape(-1, shape[1]), 2), rel=1e-10)


def test_inputs_of_any_size_are_refused_by_name():
    layer = FoldedLayer("conv", np.zeros((3, 1, 1)), np.zeros(1), sizes=(None,), strides=(1,), dilation=(1,))
    with pytest.raises(InputError, match="fixed size.*layer='conv'"):
        spectral_norm(layer)
