"""Largest singular values of layers: of matrices, and of convolutions on inputs of their own size."""

import numpy as np

from keras_sharpness.complexity.folding import FoldedLayer
from keras_sharpness.errors import require


def spectral_norm(layer: FoldedLayer) -> float:
    """Returns the operator norm ||W||_2 of a layer, the largest factor by which it stretches a difference of inputs.

    Of a convolution it is exact for periodic boundaries (Sedghi et al. 2019, arXiv:1805.10408, theorem 6): the Fourier
    transform of the kernel has a matrix for each frequency, and the largest singular value of these is the norm.

    Args:
        layer: The layer.

    Raises:
        InputError: If the size of the input is not fixed; names the layer.
    """
    if not layer.sizes:
        return largest_singular_value(layer.kernel)
    require(
        None not in layer.sizes,
        "inputs of convolutions must be of fixed size for their spectral norm",
        layer=layer.name,
        input_size=layer.sizes,
    )
    sizes = tuple(size for size in layer.sizes if size is not None)
    if layer.depthwise:
        # An operator for each input, from one channel to its own outputs.
        parts = [layer.kernel[..., [c], :] for c in range(layer.kernel.shape[-2])]
    else:
        parts = np.split(layer.kernel, layer.groups, axis=-1)
    return max(_convolution_norm(part, sizes, layer.strides, layer.dilation) for part in parts)


def reshaped_norm(layer: FoldedLayer) -> float:
    """Returns the largest singular value of a layer's kernel, reshaped to (outputs, taps x inputs).

    For a convolution it is an approximation (Yoshida and Miyato 2017, arXiv:1705.10941, section 3.2), which is at least
    the norm divided by the root of the number of taps.

    Args:
        layer: The layer.
    """
    return largest_singular_value(layer.matrix)


def largest_singular_value(matrices: np.ndarray) -> float:
    """Returns the largest singular value of one matrix or of all matrices of a stack.

    It is the root of the largest eigenvalue of the smaller product of a matrix with itself, which costs a fraction of a
    singular value decomposition.

    Args:
        matrices: Real or complex, shape (..., rows, columns).
    """
    transposed = np.conj(np.swapaxes(matrices, -1, -2))
    if matrices.shape[-2] <= matrices.shape[-1]:
        products = matrices @ transposed
    else:
        products = transposed @ matrices
    if products.shape[-1] == 1:
        largest = products.real.max()
    elif not np.all(np.isfinite(products)):
        return float("nan")
    else:
        largest = np.linalg.eigvalsh(products).max()
    return float(np.sqrt(max(largest, 0.0)))


def _convolution_norm(
    kernel: np.ndarray, sizes: tuple[int, ...], strides: tuple[int, ...], dilation: tuple[int, ...]
) -> float:
    """Returns the norm of a convolution with periodic boundaries, which keeps every stride-th output.

    With strides s, an output frequency sees the prod(s) input frequencies that fall on it; their matrices, side by side
    and divided by the root of prod(s), are the operator there.

    Args:
        kernel: Shape (*taps, inputs, outputs).
        sizes: Widths of the input. Enlarged to hold the kernel, and to a multiple of the stride.
        strides: Strides.
        dilation: Dilations.
    """
    spread, rank = _dilated(kernel, dilation), len(sizes)
    grid = [-(-max(n, k) // s) * s for n, k, s in zip(sizes, spread.shape, strides, strict=False)]
    if all(stride == 1 for stride in strides):
        # Half of the frequencies: a real kernel has conjugate matrices at the others.
        return largest_singular_value(np.fft.rfftn(spread, grid, axes=range(rank)))
    transforms = np.fft.fftn(spread, grid, axes=range(rank))
    shape = [length for n, s in zip(grid, strides, strict=True) for length in (s, n // s)]
    cut = transforms.reshape(*shape, *spread.shape[-2:])
    aliases, kept = range(0, 2 * rank, 2), range(1, 2 * rank, 2)
    blocks = cut.transpose(*kept, *aliases, 2 * rank, 2 * rank + 1)
    blocks = blocks.reshape(*blocks.shape[:rank], -1, spread.shape[-1])
    return largest_singular_value(blocks) / float(np.sqrt(np.prod(strides)))


def _dilated(kernel: np.ndarray, dilation: tuple[int, ...]) -> np.ndarray:
    """Returns a kernel with zeros between its taps."""
    taps = [(k - 1) * d + 1 for k, d in zip(kernel.shape, dilation, strict=False)]
    spread = np.zeros((*taps, *kernel.shape[-2:]), kernel.dtype)
    spread[tuple(slice(None, None, d) for d in dilation)] = kernel
    return spread
