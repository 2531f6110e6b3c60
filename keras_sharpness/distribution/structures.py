"""Nested structures of arrays, as calls take and return them."""

from typing import Any

import keras
import numpy as np
from keras import ops


def to_tensors(structure: Any) -> Any:
    """Returns the same with tensors for arrays; None stays."""
    return keras.tree.map_structure(lambda a: None if a is None else ops.convert_to_tensor(a), structure)


def to_numpy(structure: Any) -> Any:
    """Returns the same with arrays for tensors."""
    return keras.tree.map_structure(ops.convert_to_numpy, structure)


def pack(structure: Any) -> np.ndarray:
    """Returns the bits of all arrays as one vector of int32, which every runtime can send."""
    content = b"".join(np.asarray(array).tobytes() for array in keras.tree.flatten(structure))
    return np.frombuffer(content + b"\0" * (-len(content) % 4), np.int32)


def unpack(vector: np.ndarray, like: Any) -> Any:
    """Returns the structure that `pack` made the vector of.

    Args:
        vector: The vector.
        like: A structure of arrays of the same shapes and types.
    """
    arrays, content, start = [], np.ascontiguousarray(vector).tobytes(), 0
    for array in map(np.asarray, keras.tree.flatten(like)):
        part = content[start : start + array.nbytes]
        arrays.append(np.frombuffer(part, array.dtype).reshape(array.shape))
        start += array.nbytes
    return keras.tree.pack_sequence_as(like, arrays)


class Shared:
    """An array whose second axis the replicas share: each works at a part of it."""

    def __init__(self, array: np.ndarray) -> None:
        """Wraps an array whose second axis is a multiple of the number of replicas."""
        self.array = array

    def part(self, replica: int, total: int) -> np.ndarray:
        """Returns the part of one replica."""
        return np.split(self.array, total, axis=1)[replica]


def cut(structure: Any, replica: int, total: int) -> Any:
    """Returns what one replica gets of the arguments of a call that all work at."""
    return keras.tree.map_structure(lambda a: a.part(replica, total) if isinstance(a, Shared) else a, structure)
