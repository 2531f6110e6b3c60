import numpy as np
import pytest

from keras_sharpness.distribution.replicated import Replicated
from keras_sharpness.distribution.structures import pack
from keras_sharpness.errors import InputError
from tests.distribution.fake_replicas import FakeReplicas


def double(x):
    return np.asarray(x * 2)


def test_calls_are_shared_out_and_the_last_is_repeated():
    replicas = FakeReplicas(3)
    results = [*Replicated(replicas).map(double, [(k,) for k in range(5)])]
    assert [int(r) for r in results] == [0, 2, 4, 6, 8]
    assert replicas.calls == [[(0,), (1,), (2,)], [(3,), (4,), (4,)]]


def test_results_of_other_processes_come_in_their_places():
    # Two processes of two replicas each; this one is the first.
    other = pack([np.asarray(4), np.asarray(6)])
    replicas = FakeReplicas(4, local=[0, 1], others=[other])
    where = Replicated(replicas)
    assert [int(r) for r in where.map(double, [(k,) for k in range(4)])] == [0, 2, 4, 6]
    assert where.is_chief and where.at_once == 4
    assert where.describe() == {"strategy": "Fake", "replicas": 4, "processes": 2}


def test_data_are_placed_once():
    replicas = FakeReplicas(2)
    where, data = Replicated(replicas), [1, 2]
    assert where.place(data) is where.place(data)
    assert replicas.placed == [data]


@pytest.mark.parametrize(("total", "local"), [(3, [0, 1]), (4, [0, 2]), (2, [])])
def test_uneven_processes_are_refused(total, local):
    with pytest.raises(InputError, match="each process must have the same number of devices"):
        Replicated(FakeReplicas(total, local))


def test_only_the_process_of_the_first_replica_is_the_chief():
    assert not Replicated(FakeReplicas(4, [2, 3])).is_chief


@pytest.mark.parametrize("error", [RuntimeError("Connection closed by peer"), ConnectionResetError("reset")])
def test_a_process_that_has_died_is_named_in_one_line(error):
    def lost(vector):
        raise error

    replicas = FakeReplicas(2, local=[0])
    replicas.all_gather = lost
    with pytest.raises(InputError, match=f"all processes must run until the work is done. Received: {error}"):
        [*Replicated(replicas).map(double, [(1,)])]
