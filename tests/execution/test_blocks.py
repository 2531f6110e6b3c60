import numpy as np
import pytest

from keras_sharpness.distribution.structures import Shared
from keras_sharpness.execution.blocks import Blocks

BATCHES = np.array([[4, 7, 1], [0, 9, 2], [5, 5, 8], [6, 3, 3]])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_every_cell_comes_once_and_results_return_to_their_place(size):
    blocks = Blocks(BATCHES, draws=2, size=size)
    assert len(blocks) == len([*blocks]) == -(-8 // size)
    # A result that tells batch, draw and examples apart.
    parts = [100 * b["batch"] + 10 * b["draw"] + b["examples"].sum(axis=1) for b in blocks]
    assert {part.shape for part in parts} == {(size,)}
    expected = 100 * np.arange(4)[:, None] + 10 * np.arange(2) + BATCHES.sum(axis=1)[:, None]
    np.testing.assert_array_equal(blocks.gather(*parts), expected)


def test_structures_of_results_are_gathered_leaf_by_leaf():
    blocks = Blocks(BATCHES, draws=1, size=3)
    found = blocks.gather_structures([{"a": b["examples"], "b": (b["batch"],)} for b in blocks])
    np.testing.assert_array_equal(found["a"][:, 0], BATCHES)
    np.testing.assert_array_equal(found["b"][0][:, 0], np.arange(4))


def test_devices_share_all_examples_but_a_remainder():
    (block,) = Blocks(BATCHES, draws=1, size=4, shares=2)
    assert isinstance(block["examples"], Shared)
    np.testing.assert_array_equal(block["examples"].array, BATCHES[:, :2])
    np.testing.assert_array_equal(block["remainder"], BATCHES[:, 2:])
