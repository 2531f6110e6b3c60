import keras
import numpy as np
import pytest

if keras.config.backend() != "jax":
    pytest.skip("meshes are JAX's", allow_module_level=True)

from keras_sharpness import backend
from keras_sharpness.distribution import start
from keras_sharpness.distribution.mesh import wrap
from keras_sharpness.distribution.structures import Shared
from keras_sharpness.errors import InputError


@pytest.fixture(scope="module")
def replicas():
    return wrap(keras.distribution.DataParallel(devices=keras.distribution.list_devices()[:1]))


def test_replicas_of_this_process(replicas):
    assert (replicas.name, replicas.total, replicas.local) == ("DataParallel", 1, [0])


def test_a_call_takes_placed_data_arrays_and_none(replicas):
    data = replicas.place({"x": np.ones(3, "float32")})
    fn = backend.compile(lambda data, factor, nothing: {"y": data["x"] * factor})
    (result,) = replicas.run(fn, [(data, np.float32(2), None)])
    assert isinstance(result["y"], np.ndarray)
    np.testing.assert_array_equal(result["y"], [2, 2, 2])


def test_a_shared_call_sees_the_whole_array(replicas):
    fn = replicas.compile_shared(lambda x, y: replicas.mean(x.mean() + y))
    x = np.arange(6, dtype="float32").reshape(2, 3)
    assert float(replicas.run_shared(fn, (Shared(x), replicas.place_shared(np.float32(1))))) == 3.5


def test_there_is_no_strategy_for_a_tpu():
    with pytest.raises(InputError, match="--strategy=mirrored"):
        start("tpu")
