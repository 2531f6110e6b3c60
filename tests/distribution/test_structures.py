import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops

from keras_sharpness.distribution.structures import Shared, cut, pack, to_numpy, to_tensors, unpack

ARRAYS = hnp.arrays(
    st.sampled_from([np.float32, np.int64, np.uint8, np.bool_]), hnp.array_shapes(min_dims=0, min_side=0, max_side=3)
)


@given(st.lists(ARRAYS, min_size=1, max_size=4))
def test_unpack_is_the_inverse_of_pack(arrays):
    structure = {"list": arrays, "first": (arrays[0],)}
    vector = pack(structure)
    assert vector.dtype == np.int32
    again = unpack(vector, structure)
    for ours, theirs in zip([*again["list"], *again["first"]], [*arrays, arrays[0]], strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_none_stays_none():
    tensors = to_tensors((None, {"a": np.ones(2, "float32")}))
    assert tensors[0] is None and ops.is_tensor(tensors[1]["a"])
    np.testing.assert_array_equal(to_numpy(tensors[1])["a"], [1, 1])


def test_cut_divides_only_what_is_shared():
    array = np.arange(12).reshape(2, 6)
    parts = [cut({"shared": Shared(array), "whole": array}, replica, 3) for replica in range(3)]
    np.testing.assert_array_equal(np.concatenate([part["shared"] for part in parts], axis=1), array)
    assert all(part["whole"] is array for part in parts)


def test_a_shared_array_must_divide_evenly():
    with pytest.raises(ValueError, match="equal division"):
        Shared(np.zeros((1, 5))).part(0, 2)
