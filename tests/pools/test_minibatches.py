import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keras_sharpness.pools.minibatches import split_batches, whole_batches


def test_whole_batches_come_in_order_and_the_smaller_one_last():
    whole, rest = split_batches(np.arange(10), 4)
    np.testing.assert_array_equal(whole, [[0, 1, 2, 3], [4, 5, 6, 7]])
    np.testing.assert_array_equal(rest, [[8, 9]])


def test_batches_come_before_members():
    whole, rest = split_batches(np.arange(10).reshape(2, 5), 2)
    np.testing.assert_array_equal(whole, [[[0, 1], [5, 6]], [[2, 3], [7, 8]]])
    np.testing.assert_array_equal(rest, [[[4], [9]]])


@given(num_examples=st.integers(1, 40), batch_size=st.integers(1, 50))
def test_every_example_comes_once_and_in_order(num_examples, batch_size):
    order = np.random.default_rng(0).permutation(num_examples)
    parts = split_batches(order, batch_size)
    assert np.concatenate([part.ravel() for part in parts]).tolist() == order.tolist()
    sizes = [part.shape[-1] for part in parts for _ in part]
    assert sizes == [min(batch_size, num_examples - start) for start in range(0, num_examples, batch_size)]
    assert {part.dtype for part in parts} == {np.dtype("int32")}


def test_whole_batches_hold_every_example_as_often_as_there_are_batches():
    order = np.random.default_rng(0).permutation(3340)
    (batches,) = whole_batches(order, 64)
    assert batches.shape == (53, 3340) and batches.dtype == np.int32
    assert all((batch == order).all() for batch in batches)
    (batches,) = whole_batches(np.arange(10).reshape(2, 5), 2)
    assert batches.tolist() == [[[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]] * 3
