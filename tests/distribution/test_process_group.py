import keras
import numpy as np
import pytest

if keras.config.backend() != "torch":
    pytest.skip("process groups are PyTorch's", allow_module_level=True)

import torch
from keras import ops

from keras_sharpness.distribution import start
from keras_sharpness.distribution.process_group import wrap
from keras_sharpness.distribution.structures import Shared
from keras_sharpness.errors import InputError


@pytest.fixture(scope="module")
def replicas(tmp_path_factory):
    store = tmp_path_factory.mktemp("group") / "store"
    torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=0, world_size=1)
    yield wrap(torch.distributed.group.WORLD)
    torch.distributed.destroy_process_group()


def test_replicas_of_this_process(replicas):
    assert (replicas.total, replicas.local) == (1, [0])


def test_a_shared_call_works_on_its_part(replicas):
    fn = replicas.compile_shared(lambda x: replicas.mean({"mean": ops.mean(x)}))
    result = replicas.run_shared(fn, (Shared(np.asarray([[1, 3]], "float32")),))
    assert float(result["mean"]) == 2


def test_mean_leaves_its_argument_as_it_was(replicas, monkeypatch):
    # As if another process had a one.
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda array, group: array.add_(1))
    array = torch.ones(3)
    assert torch.equal(replicas.mean(array), torch.full((3,), 2.0))
    assert torch.equal(array, torch.ones(3))


def test_all_gather_has_a_row_for_each_process(replicas):
    np.testing.assert_array_equal(replicas.all_gather(np.asarray([1, 2], np.int32)), [[1, 2]])


def test_several_devices_need_several_processes():
    with pytest.raises(InputError, match="torchrun"):
        start("mirrored")
