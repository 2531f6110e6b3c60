"""The batches S of m-sharpness: m examples drawn independently, with replacement."""

import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.errors import InputError, require, require_count, require_seed


def draw_batches(examples: ArrayLike, m: int, num_batches: int, seed: int) -> np.ndarray:
    """Draws batches from a NumPy generator, the same on every backend.

    Args:
        examples: Indices to draw from, shape (n,).
        m: Examples in a batch.
        num_batches: Number of batches.
        seed: Seed, non-negative.

    Returns:
        Indices, int32, shape (num_batches, m).

    Raises:
        InputError: If a number is out of range or there is no example.
    """
    require_count("m", m)
    require_count("num_batches", num_batches)
    require_seed(seed)
    examples = np.asarray(examples)
    require(examples.ndim == 1 and examples.size > 0, "`examples` must be a list of indices", shape=examples.shape)
    return np.random.default_rng(seed).choice(examples, size=(num_batches, m)).astype(np.int32)


def check_indices(indices: ArrayLike, ndim: int, num_examples: int, name: str) -> np.ndarray:
    """Returns example indices as int32, checked.

    Args:
        indices: Integers.
        ndim: Axes that they must have.
        num_examples: How many examples there are.
        name: Name of the argument, for the error.

    Returns:
        The indices, int32.

    Raises:
        InputError: If they are not integers of that many axes between 0 and num_examples - 1.
    """
    try:
        indices = np.asarray(indices)
    except ValueError:
        raise InputError(f"`{name}` must have rows of equal length. Received: ragged rows") from None
    fits = indices.ndim == ndim and indices.size > 0 and np.issubdtype(indices.dtype, np.integer)
    axes = "(num_batches, m)" if ndim == 2 else "(n,)"
    require(
        fits, f"`{name}` must be integers of shape {axes}, not empty", shape=indices.shape, dtype=str(indices.dtype)
    )
    low, high = int(indices.min()), int(indices.max())
    require(
        low >= 0 and high < num_examples,
        f"`{name}` must name examples 0 to {num_examples - 1}",
        smallest=low,
        largest=high,
    )
    return indices.astype(np.int32)
