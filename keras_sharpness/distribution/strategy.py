"""Replicas of a `tf.distribute.Strategy`: devices of this process, of several workers, or of a TPU."""

import json
import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_sharpness import backend
from keras_sharpness.distribution.rendezvous import meet
from keras_sharpness.distribution.structures import cut
from keras_sharpness.distribution.tpu import connect
from keras_sharpness.errors import InputError, require


class StrategyReplicas:
    """The replicas of a strategy.

    A strategy takes and returns `DistributedValues`, which hold what each replica gets or has computed.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        """Finds out which replicas are in this process."""
        self.name = type(strategy).__name__
        self._strategy, self.total = strategy, strategy.num_replicas_in_sync
        # The strategy has no public list of its local replicas: each is sent its number, to be read here.
        numbers = self._distribute(tf.constant)
        self.local = [int(number) for number in strategy.experimental_local_results(numbers)]
        self._compiled: dict[Callable[..., Any], Callable[..., Any]] = {}

    def place(self, data: Any) -> Any:
        return keras.tree.map_structure(lambda a: self._distribute(lambda replica: self._copy(a, replica)), data)

    def run(self, fn: Callable[..., Any], calls: list[tuple[Any, ...]]) -> list[Any]:
        args = keras.tree.map_structure(lambda *leaves: self._each(leaves), *calls)
        if fn not in self._compiled:
            self._compiled[fn] = backend.compile(lambda *args: self._everywhere(fn, args))
        results = self._compiled[fn](*args)
        values = keras.tree.map_structure(self._strategy.experimental_local_results, results)
        return [keras.tree.map_structure_up_to(results, lambda v, k=k: v[k].numpy(), values) for k in range(len(calls))]

    def all_gather(self, vector: np.ndarray) -> np.ndarray:
        rows = self._distribute(lambda _: tf.constant(vector[None]))
        # Every replica sends its process's vector, so that there is one for each process at every len(local)-th row.
        return self._strategy.gather(rows, axis=0).numpy()[:: len(self.local)]

    def compile_shared(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        # `run` compiles it: replicas can average only in a function that the strategy itself runs.
        return fn

    def place_shared(self, data: Any) -> Any:
        return self.place(data)

    def run_shared(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return self.run(fn, [cut(args, replica, self.total) for replica in self.local])[0]

    def mean(self, structure: Any) -> Any:
        arrays = keras.tree.flatten(structure)
        means = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, arrays)
        return keras.tree.pack_sequence_as(structure, means)

    def _distribute(self, value: Callable[[int], tf.Tensor]) -> Any:
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: value(context.replica_id_in_sync_group)
        )

    def _copy(self, array: tf.Tensor, replica: int) -> tf.Tensor:
        with tf.device(self._strategy.extended.worker_devices[self.local.index(replica)]):
            return tf.identity(array)

    def _everywhere(self, fn: Any, args: tuple[Any, ...]) -> Any:
        if not isinstance(fn, tf.types.experimental.PolymorphicFunction):
            return self._strategy.run(fn, args)
        # Traced outside the strategy, so that layers and losses do not divide by the number of replicas.
        specs = keras.tree.map_structure(self._spec, args)
        return self._strategy.run(fn.get_concrete_function(*specs), args)

    def _spec(self, value: Any) -> tf.TensorSpec | None:
        if value is None:
            return None
        return tf.TensorSpec.from_tensor(self._strategy.experimental_local_results(value)[0])

    def _each(self, leaves: tuple[Any, ...]) -> Any:
        """Returns one argument of all replicas, from what each of them gets."""
        if leaves[0] is None or isinstance(leaves[0], tf.distribute.DistributedValues):
            return leaves[0]
        return self._distribute(lambda replica: tf.convert_to_tensor(leaves[self.local.index(replica)]))


def wrap(given: Any) -> StrategyReplicas:
    known = isinstance(given, tf.distribute.Strategy)
    require(known, "`distribution` must be a tf.distribute.Strategy on TensorFlow", distribution=given)
    return StrategyReplicas(given)


def start(strategy: str, num_devices: int | None, tpu: str) -> tf.distribute.Strategy:
    if strategy == "tpu":
        return connect(tpu)
    if strategy == "multi_worker":
        meet(*read_cluster(os.environ.get("TF_CONFIG")))
        return tf.distribute.MultiWorkerMirroredStrategy()
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    physical = tf.config.list_physical_devices(kind)
    count = num_devices or (len(physical) if kind == "GPU" else os.cpu_count()) or 1
    if kind == "CPU":
        tf.config.set_logical_device_configuration(physical[0], [tf.config.LogicalDeviceConfiguration()] * count)
    else:
        require(count <= len(physical), f"`num_devices` must be at most {len(physical)}", num_devices=count)
    return tf.distribute.MirroredStrategy([f"{kind}:{k}" for k in range(count)])


def first_host() -> str:
    return read_cluster(os.environ.get("TF_CONFIG"))[0][0].rpartition(":")[0]


def read_cluster(config: str | None) -> tuple[list[str], int]:
    """Reads what `TF_CONFIG` says of a cluster of workers, and which of them this process is.

    Args:
        config: The environment variable.

    Returns:
        The addresses of all processes, the chief first, and the place of this one among them.

    Raises:
        InputError: If it describes no such cluster.
    """
    form = '{"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": 0}}'
    require(bool(config), f"TF_CONFIG must be set, to {form}")
    try:
        known = json.loads(config or "")
        cluster, (kind, index) = known["cluster"], (known["task"]["type"], known["task"]["index"])
        chiefs, workers = (cluster.get(name, []) for name in ("chief", "worker"))
        counts = {"chief": len(chiefs), "worker": len(workers)}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"TF_CONFIG must be of the form {form}. Received: {config}") from None
    here = isinstance(index, int) and 0 <= index < counts.get(kind, 0)
    require(here, "TF_CONFIG's task must be one of its cluster's chief and workers", type=kind, index=index, of=counts)
    return [*chiefs, *workers], index + (len(chiefs) if kind == "worker" else 0)
