"""What can be known of a TPU without one: how it is found, and that what it would compile has fixed shapes."""

import socket
import time

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.distribution import Threads
from keras_sharpness.errors import InputError
from keras_sharpness.studies.config import study_config
from keras_sharpness.studies.study import Study
from tests.support import cases

if keras.config.backend() != "tensorflow":
    pytest.skip("TensorFlow's way to a TPU", allow_module_level=True)

import tensorflow as tf

from keras_sharpness.data.dataset import Dataset
from keras_sharpness.distribution import start, tpu

LABELS = {"Reshape", "SparseSoftmaxCrossEntropyWithLogits", "OneHot"}


class Resolver:
    def __init__(self, tpu):
        self.name = tpu

    def master(self):
        return "" if self.name == "local" else self.name


@pytest.fixture
def calls(monkeypatch):
    """A TPU that answers, made of this machine's processor."""
    calls = []
    monkeypatch.setattr(tf.distribute.cluster_resolver, "TPUClusterResolver", Resolver)
    monkeypatch.setattr(tf.config, "experimental_connect_to_cluster", lambda r: calls.append(("connect", r.name)))
    monkeypatch.setattr(tf.tpu.experimental, "initialize_tpu_system", lambda r: calls.append(("initialize", r.name)))
    monkeypatch.setattr(tf.distribute, "TPUStrategy", lambda r: tf.distribute.MirroredStrategy(["CPU:0"]))
    return calls


def study(distribution):
    case = cases.fcnn()
    dataset = Dataset(name="abalone", x=case.x, y=case.y, train=np.arange(100), test=np.arange(100, 200))
    config = study_config("fcnn", num_models=2, num_batches=3, m=8, max_epochs=1)
    return Study(config, dataset, distribution=distribution)


def losses(study):
    members = [*study.train(range(2))]
    return [study.evaluate(member) for member in members], [found["losses"] for _, found in study.measure(members)]


def test_a_study_runs_on_a_tpu_that_answers(calls):
    strategy = start("tpu", tpu="local")
    assert calls == [("connect", "local"), ("initialize", "local")]
    ours, alone = losses(study(strategy)), losses(study(None))
    assert ours[0] == alone[0]
    np.testing.assert_array_equal(ours[1], alone[1])


def test_a_closed_door_is_told_at_once(calls):
    with pytest.raises(InputError, match="a TPU named 'grpc://127.0.0.1:9' must answer. Received: .*refused"):
        start("tpu", tpu="grpc://127.0.0.1:9")
    assert not calls


def test_a_search_that_would_last_is_given_up(monkeypatch):
    monkeypatch.setattr(tf.distribute.cluster_resolver, "TPUClusterResolver", lambda tpu: time.sleep(20))
    monkeypatch.setattr(tpu, "PATIENCE", 0.2)
    began = time.monotonic()
    with pytest.raises(InputError, match="no answer"):
        start("tpu", tpu="far")
    assert time.monotonic() - began < 10


@pytest.fixture
def silent():
    """The address of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"grpc://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_accepts_and_hangs_is_given_up(calls, silent, monkeypatch):
    monkeypatch.setattr(tpu, "PATIENCE", 0.2)
    with pytest.raises(InputError, match="must answer. Received: no answer within 0 seconds from grpc"):
        start("tpu", tpu=silent)
    assert not calls


def test_a_server_of_tensorflow_answers(calls):
    server = tf.distribute.Server.create_local_server()
    start("tpu", tpu=server.target)
    assert calls == [("connect", server.target), ("initialize", server.target)]


def test_no_tpu_here_is_told():
    with pytest.raises(InputError, match="a TPU named 'local' must answer"):
        start("tpu", tpu="local")


class Recorder(Threads):
    """Notes every function with the arguments of a call."""

    def __init__(self):
        self.noted = {}

    def map(self, fn, calls):
        for args in calls:
            self.noted.setdefault(fn, args)
            yield from super().map(fn, [args])


def functions(graph):
    """The graph and all that it calls: bodies of loops, branches, nested functions."""
    yield graph
    for name in graph._functions:
        yield from functions(graph._get_function(name).graph)


def tensors(graph):
    """All but what no operation reads, such as arguments that a loop's condition ignores."""
    operations = [op for part in functions(graph) for op in part.get_operations()]
    return [t for op in operations for t in op.outputs if op.type != "Placeholder" or t.consumers()]


def test_all_that_is_compiled_has_fixed_shapes_and_32_bits(monkeypatch):
    monkeypatch.setattr("keras_sharpness.backend.tensorflow.on_accelerator", lambda: True)
    recorder = Recorder()
    losses(study(recorder))
    for case in (cases.lenet5(), cases.gat()):
        ks.worst_case_sharpness(case.model, case.x, case.y, case.loss, num_batches=2, m=4, distribution=recorder)
    assert len(recorder.noted) == 3 + 2
    for fn, args in recorder.noted.items():
        found = tensors(fn.get_concrete_function(*args).graph)
        assert len(found) > 10
        values = [t for t in found if t.dtype not in {tf.variant, tf.resource}]
        assert {t.op.type for t in values if not t.shape.is_fully_defined()} == set()
        # Keras hands labels on as int64, which XLA computes in pairs of 32 bits.
        wide = [t for t in values if t.dtype in {tf.int64, tf.float64}]
        assert {op.type for t in wide for op in t.consumers()} <= LABELS
