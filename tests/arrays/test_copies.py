import numpy as np
import pytest
from keras import ops

from keras_sharpness.arrays import copies


@pytest.mark.parametrize("num_copies", [1, 3])
def test_each_copy_gets_its_own_arguments(num_copies):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(num_copies, 4)).astype("float32"), rng.normal(size=(num_copies,)).astype("float32")

    def one(structure, factor):
        assert structure["a"].shape == (4,)
        return {"sum": ops.sum(structure["a"]) * factor, "scaled": [structure["a"] * factor]}

    found = copies.for_each(one, num_copies)({"a": ops.convert_to_tensor(a)}, ops.convert_to_tensor(b))
    np.testing.assert_allclose(ops.convert_to_numpy(found["sum"]), a.sum(axis=1) * b, rtol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(found["scaled"][0]), a * b[:, None], rtol=1e-6)


def test_a_result_that_no_argument_enters_is_repeated():
    found = copies.for_each(lambda a: ops.zeros_like(a), 3)(ops.ones((3, 2)))
    assert found.shape == (3, 2)


def test_a_factor_for_each_copy():
    array, factors = np.arange(12, dtype="float32").reshape(3, 2, 2), np.array([1.0, 0.0, 2.0], "float32")
    found = copies.along(ops.convert_to_tensor(factors), ops.convert_to_tensor(array))
    np.testing.assert_array_equal(ops.convert_to_numpy(found) * array, array * factors[:, None, None])
