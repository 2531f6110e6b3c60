"""Shares out independent calls of one function over threads, devices or processes.

No number depends on how many there are: a call is computed in the same way wherever it runs. Where there are several
processes, all run the same program in step: each computes the calls of its own replicas, then all get all results.
"""

import importlib
from typing import TYPE_CHECKING, Any, cast

import keras

from keras_sharpness.distribution.abstract import AbstractDistribution as AbstractDistribution
from keras_sharpness.distribution.abstract import Devices
from keras_sharpness.distribution.replicated import Replicated
from keras_sharpness.distribution.split import SplitExamples
from keras_sharpness.distribution.threads import Threads
from keras_sharpness.distribution.threads import map_in_threads as map_in_threads

if TYPE_CHECKING:
    from keras_sharpness.distribution import mesh, process_group, strategy

    # mypy compares each module with the contract here.
    _mesh: Devices = mesh
    _process_group: Devices = process_group
    _strategy: Devices = strategy

# The module that wraps what each backend calls several devices.
MODULES = {"tensorflow": "strategy", "jax": "mesh", "torch": "process_group"}


def split_examples(given: Any) -> SplitExamples:
    """Lets all devices work on each batch together, each on a part of its examples: for one big model.

    Losses and gradients are averaged over the devices after every pass.

    Args:
        given: A `tf.distribute.Strategy`, `keras.distribution.DataParallel` or `torch.distributed.ProcessGroup`.

    Returns:
        What measures take as `distribution`, in inference mode, with at least as many examples in a batch as there are
        devices.

    Raises:
        InputError: If it is not the backend's.
    """
    return SplitExamples(_devices().wrap(given))


def distribute(given: Any) -> AbstractDistribution:
    """Returns what a user's `distribution` means.

    Args:
        given: None (this process only), what the backend offers for several devices, or what this function returned.
    """
    if given is None or isinstance(given, AbstractDistribution):
        return given or Threads()
    return Replicated(_devices().wrap(given))


def start(strategy: str, num_devices: int | None = None, tpu: str = "local") -> Any:
    """Returns what a user would give as `distribution`; to be called before the backend's first operation.

    Args:
        strategy: "none", "mirrored" (the devices of this process), "multi_worker" (several processes, as the
            environment describes them) or "tpu".
        num_devices: Devices of "mirrored"; None: all accelerators, else as many as there are cores.
        tpu: Name or address of the TPU; "local": that of this machine.

    Raises:
        InputError: If the backend has no such strategy, the environment does not describe it, or no TPU answers.
    """
    return None if strategy == "none" else _devices().start(strategy, num_devices, tpu)


def first_host() -> str:
    """Returns the host of the first of several processes, once `start` has found them."""
    return _devices().first_host()


def _devices() -> Devices:
    return cast(Devices, importlib.import_module(f"{__name__}.{MODULES[keras.config.backend()]}"))
