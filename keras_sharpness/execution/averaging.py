"""Means over the examples of a batch that are cut into pieces, for memory, or shared by devices."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_sharpness.typing import Array, Block

Evaluate = Callable[[Array], Any]
"""From examples of each cell, shape (size, n), to a structure of means over these examples."""


class Averaging:
    """Averages a function of examples over all examples of the cells of a block.

    Attributes:
        piece_sizes: Examples in each piece that a device works through.
    """

    def __init__(
        self, m: int, batch_size: int | None, scan: Callable[..., Any], shares: int, mean: Callable[..., Any]
    ) -> None:
        """Cuts the batches.

        Args:
            m: Examples in a batch.
            batch_size: Examples in one pass; None: all.
            scan: How the loop over pieces runs.
            shares: Devices that share the examples of a batch.
            mean: From what one device has to the mean over the devices.
        """
        self._m, self._remainder, self._batch_size = m, m % shares, batch_size
        self._scan, self._mean = scan, mean
        self.piece_sizes = _pieces(m // shares, batch_size)

    def __call__(self, block: Block, evaluate: Evaluate) -> Any:
        """Returns the mean of a function over the examples of each cell, wherever they are."""
        own = self._over_pieces(block["examples"], evaluate)
        if self._remainder:
            # Every device evaluates the remainder, so that shapes match.
            rest = _scaled(self._over_pieces(block["remainder"], evaluate), self._remainder)
            own = _scaled(_sum(_scaled(own, self._m - self._remainder), rest), 1 / self._m)
        return self._mean(own)

    def _over_pieces(self, examples: Array, evaluate: Evaluate) -> Any:
        """Returns the mean over pieces of nearly equal size, weighted by their sizes."""
        sizes = _pieces(examples.shape[1], self._batch_size)
        if len(sizes) == 1:
            return evaluate(examples)
        whole = sum(size == sizes[0] for size in sizes)
        cut = ops.reshape(examples[:, : whole * sizes[0]], (examples.shape[0], whole, sizes[0]))
        total = _scaled(evaluate(cut[:, 0]), sizes[0])

        def add(total: Any, piece: Array) -> tuple[Any, Array]:
            return _sum(total, _scaled(evaluate(piece), sizes[0])), ops.zeros(())

        if whole > 1:
            total, _ = self._scan(add, total, ops.swapaxes(cut, 0, 1)[1:])
        if whole < len(sizes):
            total = _sum(total, _scaled(evaluate(examples[:, whole * sizes[0] :]), sizes[-1]))
        return _scaled(total, 1 / sum(sizes))


def _pieces(m: int, batch_size: int | None) -> list[int]:
    """Returns the sizes of the pieces of a batch: equal ones, then the remainder."""
    size = min(m, batch_size or m)
    return [size] * (m // size) + [m % size] * (m % size > 0)


def _scaled(structure: Any, factor: float) -> Any:
    return keras.tree.map_structure(lambda a: factor * a, structure)


def _sum(a: Any, b: Any) -> Any:
    return keras.tree.map_structure(lambda x, y: x + y, a, b)
