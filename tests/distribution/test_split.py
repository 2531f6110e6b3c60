import numpy as np

from keras_sharpness import distribution
from keras_sharpness.distribution.split import SplitExamples
from keras_sharpness.distribution.structures import Shared
from tests.distribution.fake_replicas import FakeReplicas


def test_each_replica_works_on_its_part():
    where = SplitExamples(FakeReplicas(2))
    fn = where.compile(lambda x, shift: np.mean(x, axis=1) + shift)
    x = np.arange(8.0).reshape(2, 4)
    (result,) = where.map(fn, [(Shared(x), 1.0)])
    np.testing.assert_allclose(result, x.mean(axis=1) + 1)


def test_there_are_as_many_shares_as_replicas_and_one_call_at_a_time():
    where = SplitExamples(FakeReplicas(3))
    assert (where.shares, where.at_once, where.is_chief) == (3, 1, True)
    assert where.place("data") == ("shared", "data")
    assert where.describe() == {"strategy": "Fake", "replicas": 3, "processes": 1}


def test_replicas_are_made_once(monkeypatch):
    made = []

    class Devices:
        @staticmethod
        def wrap(given):
            made.append(given)
            return FakeReplicas(2)

    monkeypatch.setattr(distribution, "_devices", lambda: Devices)
    distribution.split_examples("given")
    assert made == ["given"]
