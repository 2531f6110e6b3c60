import keras
import numpy as np
import pytest

if keras.config.backend() != "tensorflow":
    pytest.skip("strategies are TensorFlow's", allow_module_level=True)

import tensorflow as tf

from keras_sharpness import backend
from keras_sharpness.distribution.strategy import wrap


@pytest.fixture(scope="module")
def replicas():
    return wrap(tf.distribute.MirroredStrategy(["CPU:0"]))


def test_replicas_of_this_process(replicas):
    assert (replicas.name, replicas.total, replicas.local) == ("MirroredStrategy", 1, [0])


def test_a_call_takes_placed_data_arrays_and_none(replicas):
    data = replicas.place({"x": tf.ones(3)})
    fn = backend.compile(lambda data, factor, nothing: {"y": data["x"] * factor, "z": [tf.constant(nothing is None)]})
    for factor in (2.0, 3.0):
        (result,) = replicas.run(fn, [(data, np.float32(factor), None)])
        np.testing.assert_array_equal(result["y"], [factor] * 3)
        assert result["z"][0]


def test_all_gather_has_a_row_for_each_process(replicas):
    np.testing.assert_array_equal(replicas.all_gather(np.asarray([1, 2], np.int32)), [[1, 2]])
