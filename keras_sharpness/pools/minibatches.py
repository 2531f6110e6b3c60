"""The batches of an epoch, from an order of its examples."""

import math

import numpy as np


def split_batches(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Cuts examples into whole batches and a smaller last one.

    Args:
        order: Indices, shape ([members,] n).
        batch_size: Examples in a batch.

    Returns:
        One or two int32 arrays of shape (num_batches, [members,] size): the whole batches, then the smaller last one.
    """
    *members, n = order.shape
    whole = n - n % batch_size
    parts = (order[..., :whole].reshape(*members, -1, batch_size), order[..., None, whole:])
    # Batches come first, since a scan runs over them.
    return [np.moveaxis(part, -2, 0).astype(np.int32) for part in parts if part.size]


def whole_batches(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Repeats all examples as often as `split_batches` makes batches of them.

    Args:
        order: Indices, shape ([members,] n).
        batch_size: Examples in a batch of `split_batches`.

    Returns:
        One int32 array of shape (num_batches, [members,] n).
    """
    return [np.stack([order] * math.ceil(order.shape[-1] / batch_size)).astype(np.int32)]
