"""Replicas of a `keras.distribution.DataParallel`: devices of this process, or of several."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils

from keras_sharpness.distribution.structures import Shared
from keras_sharpness.errors import require

FORCED = "xla_force_host_platform_device_count"
# Seconds without a sign of life, after which a process is given up.
HEARTBEAT = 30
PROCESSES = tuple(f"KERAS_DISTRIBUTION_{name}" for name in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID"))


class Copies:
    """An array on each device."""

    def __init__(self, array: Any, devices: list[Any]) -> None:
        """Copies the array."""
        self.arrays = {device: jax.device_put(array, device) for device in devices}


class MeshReplicas:
    """The devices of a mesh, each with its number along it."""

    def __init__(self, distribution: keras.distribution.DataParallel) -> None:
        """Lists the devices."""
        self.name = type(distribution).__name__
        devices = [*distribution.device_mesh.backend_mesh.devices.flat]
        self.total, self._mesh = len(devices), jax.sharding.Mesh(np.array(devices), "replicas")
        self.local = [k for k, device in enumerate(devices) if device.process_index == jax.process_index()]
        self._devices = [devices[k] for k in self.local]
        self._threads = ThreadPoolExecutor(len(self._devices))

    def place(self, data: Any) -> Any:
        return keras.tree.map_structure(lambda a: Copies(a, self._devices), data)

    def run(self, fn: Callable[..., Any], calls: list[tuple[Any, ...]]) -> list[Any]:
        # In threads, since loops that are not compiled run as Python, which would keep the other devices waiting.
        return [*self._threads.map(lambda device, args: _run(fn, args, device), self._devices, calls)]

    def all_gather(self, vector: np.ndarray) -> np.ndarray:
        return multihost_utils.process_allgather(vector)

    def compile_shared(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        # The compiler divides the work: arguments are cut along their examples only.
        return jax.jit(fn, out_shardings=self._sharding())

    def place_shared(self, data: Any) -> Any:
        return keras.tree.map_structure(self._everywhere, data)

    def run_shared(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return keras.tree.map_structure(np.asarray, fn(*keras.tree.map_structure(self._everywhere, args)))

    def mean(self, structure: Any) -> Any:
        # To the function all replicas look like one device, so that its means are over all examples already.
        return structure

    def _everywhere(self, leaf: Any) -> Any:
        if leaf is None or (isinstance(leaf, jax.Array) and leaf.sharding == self._sharding()):
            return leaf
        array, axes = (leaf.array, (None, "replicas")) if isinstance(leaf, Shared) else (np.asarray(leaf), ())
        return jax.make_array_from_callback(array.shape, self._sharding(*axes), lambda index: array[index])

    def _sharding(self, *axes: str | None) -> jax.sharding.NamedSharding:
        return jax.sharding.NamedSharding(self._mesh, jax.sharding.PartitionSpec(*axes))


def _run(fn: Callable[..., Any], args: tuple[Any, ...], device: Any) -> Any:
    def put(leaf: Any) -> Any:
        if leaf is None or isinstance(leaf, Copies):
            return leaf and leaf.arrays[device]
        return jax.device_put(leaf, device)

    with jax.default_device(device):
        return keras.tree.map_structure(np.asarray, fn(*keras.tree.map_structure(put, args)))


def wrap(given: Any) -> MeshReplicas:
    known = isinstance(given, keras.distribution.DataParallel)
    require(known, "`distribution` must be a keras.distribution.DataParallel on JAX", distribution=given)
    return MeshReplicas(given)


def start(strategy: str, num_devices: int | None, tpu: str) -> keras.distribution.DataParallel:
    require(strategy != "tpu", "JAX takes the devices of a TPU as they are: --strategy=mirrored", strategy=strategy)
    if strategy == "multi_worker":
        missing = [name for name in PROCESSES if not os.environ.get(name)]
        require(not missing, f"{', '.join(PROCESSES)} must be set for several processes on JAX", missing=missing)
        addresses, number, own = (os.environ[name] for name in PROCESSES)
        # As Keras does, but a process that has died is noticed sooner.
        first = addresses.split(",")[0]
        jax.distributed.initialize(first, int(number), int(own), heartbeat_timeout_seconds=HEARTBEAT)
        return keras.distribution.DataParallel(devices=keras.distribution.list_devices())
    if FORCED not in os.environ.get("XLA_FLAGS", ""):
        # JAX ignores this where there are accelerators.
        jax.config.update("jax_num_cpu_devices", num_devices or os.cpu_count() or 1)
    devices = keras.distribution.list_devices()
    count = num_devices or len(devices)
    require(count <= len(devices), f"`num_devices` must be at most {len(devices)}", num_devices=count)
    return keras.distribution.DataParallel(devices=devices[:count])


def first_host() -> str:
    return os.environ[PROCESSES[0]].split(",")[0].rpartition(":")[0]
