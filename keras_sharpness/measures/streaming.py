"""Grids of examples that are read piece by piece, for measures of all examples."""

from collections.abc import Callable, Iterator

import numpy as np

from keras_sharpness.execution.grid import Grid
from keras_sharpness.measures.sample import Sample


def whole_pieces(sample: Sample, draws: int) -> Iterator[Grid]:
    """Yields a grid for each piece of the examples, whose one batch is all of the piece.

    Args:
        sample: Model, loss and examples.
        draws: Cells for each batch.
    """
    yield from _grids(sample, None, draws, lambda size, largest: np.arange(size, dtype=np.int32)[None])


def single_examples(sample: Sample, chosen: np.ndarray) -> Iterator[Grid]:
    """Yields grids whose batches are single examples: one grid, or several of equal size for data that are streamed.

    Args:
        sample: Model, loss and examples.
        chosen: Indices of the examples.
    """
    if not sample.streams:
        yield sample.with_batches(chosen[:, None]).grid()
        return
    # The first examples again fill up the last piece, so that one compiled function serves all.
    repeated = lambda size, largest: np.resize(np.arange(size, dtype=np.int32), largest)[:, None]  # noqa: E731
    yield from _grids(sample, chosen, 1, repeated)


def in_order(parts: list[np.ndarray], chosen: np.ndarray, sample: Sample) -> np.ndarray:
    """Returns the results of `single_examples` in the order of the examples that were chosen.

    Args:
        parts: Results of each grid, the examples along the first axis.
        chosen: Indices of the examples.
        sample: Model, loss and examples.
    """
    found = np.concatenate(parts)[: len(chosen)]
    if not sample.streams:
        return found
    results = np.empty_like(found)
    results[np.argsort(chosen, kind="stable")] = found
    return results


def _grids(
    sample: Sample, examples: np.ndarray | None, draws: int, places_of: Callable[[int, int], np.ndarray]
) -> Iterator[Grid]:
    """Yields the grid of each piece; grids of batches of one shape share what is compiled."""
    known: dict[tuple[int, ...], Grid] = {}
    largest = 0
    for data in sample.stream(examples):
        largest = max(largest, data.num_examples)
        places = places_of(data.num_examples, largest)
        shape = places.shape
        known[shape] = known[shape].on(data, places) if shape in known else sample.grid_of(data, places, draws)
        yield known[shape]
