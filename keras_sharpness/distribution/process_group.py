"""Replicas of a `torch.distributed.ProcessGroup`: one in each process."""

import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch
from keras import ops

from keras_sharpness import backend
from keras_sharpness.distribution.structures import cut, to_numpy, to_tensors
from keras_sharpness.errors import require

PROCESSES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class GroupReplicas:
    """The processes of a group, each of which is a replica."""

    def __init__(self, group: torch.distributed.ProcessGroup) -> None:
        """Wraps the group."""
        self.name = type(group).__name__
        self._group, self.total, self.local = group, group.size(), [group.rank()]

    def place(self, data: Any) -> Any:
        return data

    def run(self, fn: Callable[..., Any], calls: list[tuple[Any, ...]]) -> list[Any]:
        return [to_numpy(fn(*to_tensors(args))) for args in calls]

    def all_gather(self, vector: np.ndarray) -> np.ndarray:
        own = ops.convert_to_tensor(vector)
        rows = [torch.empty_like(own) for _ in range(self.total)]
        torch.distributed.all_gather(rows, own, group=self._group)
        return to_numpy(torch.stack(rows))

    def compile_shared(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        return backend.compile(fn)

    def place_shared(self, data: Any) -> Any:
        return data

    def run_shared(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return self.run(fn, [cut(args, replica, self.total) for replica in self.local])[0]

    def mean(self, structure: Any) -> Any:
        def average(array: torch.Tensor) -> torch.Tensor:
            # The sum is written into the array itself, which must not be the caller's.
            total = array.clone(memory_format=torch.contiguous_format)
            torch.distributed.all_reduce(total, group=self._group)
            return total / self.total

        return keras.tree.map_structure(average, structure)


def wrap(given: Any) -> GroupReplicas:
    known = isinstance(given, torch.distributed.ProcessGroup)
    require(known, "`distribution` must be a torch.distributed.ProcessGroup on PyTorch", distribution=given)
    return GroupReplicas(given)


def start(strategy: str, num_devices: int | None, tpu: str) -> Any:
    several = strategy == "multi_worker"
    require(several, "PyTorch takes a process for each device: torchrun and --strategy=multi_worker", strategy=strategy)
    missing = [name for name in PROCESSES if not os.environ.get(name)]
    require(not missing, f"{', '.join(PROCESSES)} must be set, as torchrun does", missing=missing)
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return torch.distributed.group.WORLD


def first_host() -> str:
    return os.environ["MASTER_ADDR"]
