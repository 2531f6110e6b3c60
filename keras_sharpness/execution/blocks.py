"""The grid of (batch, draw), cut into blocks of cells that run at once."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_sharpness.distribution.structures import Shared
from keras_sharpness.typing import Block


class Blocks:
    """Cells in order, batch by batch: the draws of a batch follow each other.

    Attributes:
        size: Cells in a block; the same for all blocks.
    """

    def __init__(self, batches: np.ndarray, draws: int, size: int, shares: int = 1) -> None:
        """Lays out the cells.

        Args:
            batches: Examples of each batch, integers of shape (num_batches, m).
            draws: Cells for each batch.
            size: Cells in a block.
            shares: Devices that share the examples of each batch.
        """
        self._batches, self._draws, self.size, self._shares = batches.astype(np.int32), draws, size, shares
        self._num_cells = len(batches) * draws

    def __iter__(self) -> Iterator[Block]:
        """Yields the blocks."""
        for start in range(0, self._num_cells, self.size):
            # The last block is filled up with copies of its last cell, so that all have the same shapes.
            cells = np.minimum(np.arange(start, start + self.size), self._num_cells - 1)
            batch, draw = (part.astype(np.int32) for part in np.divmod(cells, self._draws))
            yield {"batch": batch, "draw": draw} | self._examples(self._batches[batch])

    def __len__(self) -> int:
        """Returns the number of blocks."""
        return -(-self._num_cells // self.size)

    def gather(self, *parts: np.ndarray) -> np.ndarray:
        """Returns the results of all cells, shape (num_batches, draws, ...), from those of the blocks."""
        cells = np.concatenate(parts)[: self._num_cells]
        return cells.reshape(len(self._batches), self._draws, *parts[0].shape[1:])

    def gather_structures(self, parts: list[Any]) -> Any:
        """Returns the same for structures of arrays."""
        return keras.tree.map_structure(self.gather, *parts)

    def _examples(self, examples: np.ndarray) -> dict[str, Any]:
        if self._shares == 1:
            return {"examples": examples}
        shared = examples.shape[1] - examples.shape[1] % self._shares
        return {"examples": Shared(examples[:, :shared]), "remainder": examples[:, shared:]}
