"""Cutting an order of examples into batches."""

import numpy as np


def split_batches(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Cuts examples into whole batches and what is left.

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
