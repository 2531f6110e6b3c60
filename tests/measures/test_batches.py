import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.measures.batches import check_indices, draw_batches


def test_draws_are_from_the_examples_with_replacement_and_repeat_with_their_seed():
    examples = np.array([3, 5, 8])
    batches = draw_batches(examples, m=4, num_batches=200, seed=1)
    assert batches.shape == (200, 4)
    assert batches.dtype == np.int32
    assert set(batches.ravel()) == {3, 5, 8}
    # Of four draws from three, at least two are equal.
    assert all(len(set(batch)) < 4 for batch in batches)
    counts = np.bincount(batches.ravel())[examples]
    assert abs(counts - 800 / 3).max() < 5 * np.sqrt(800 * 2 / 9)
    np.testing.assert_array_equal(batches, draw_batches(examples, 4, 200, seed=1))
    assert (batches != draw_batches(examples, 4, 200, seed=2)).any()


def test_fewer_batches_are_the_first_of_more():
    np.testing.assert_array_equal(draw_batches(range(9), 4, 3, 0), draw_batches(range(9), 4, 7, 0)[:3])


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([[0, 1], [2]], "rows of equal length"),
        ([0, 1], "integers of shape"),
        ([[0.5, 1.0]], "integers of shape"),
        ([[0, 10]], "must name examples 0 to 9"),
        ([[-1, 2]], "must name examples 0 to 9"),
        (np.zeros((0, 2), int), "not empty"),
    ],
)
def test_indices_that_name_no_examples_are_refused(indices, message):
    with pytest.raises(InputError, match=message):
        check_indices(indices, 2, 10, "batches")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"m": 0}, "`m` must be at least 1"),
        ({"num_batches": 0}, "`num_batches` must be at least 1"),
        ({"seed": -1}, "`seed` must be an integer from 0"),
        ({"examples": []}, "`examples` must be a list of indices"),
    ],
)
def test_draws_that_cannot_be_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        draw_batches(**({"examples": [1, 2], "m": 2, "num_batches": 1, "seed": 0} | options))
