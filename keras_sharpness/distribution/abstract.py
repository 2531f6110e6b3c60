"""Where calls run, and what is asked of the devices of a backend."""

import abc
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import numpy as np


class AbstractDistribution(abc.ABC):
    """Where calls run.

    Attributes:
        shares: Parts that each batch's examples are cut into; 1 where calls are whole.
        in_step: Whether `map` must be called in the same order in all processes, and so from one thread.
    """

    shares: int
    in_step: bool = True

    @property
    @abc.abstractmethod
    def at_once(self) -> int:
        """Calls that run at once."""

    @abc.abstractmethod
    def compile(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a function of tensors in the form that `map` takes, compiled once for all calls."""

    @abc.abstractmethod
    def place(self, data: Any) -> Any:
        """Returns large arguments of many calls in a form that need not travel with each of them.

        Args:
            data: A structure of tensors.
        """

    @abc.abstractmethod
    def map(self, fn: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """Yields the results of calls, structures of NumPy arrays, in their order.

        Args:
            fn: Function of structures of tensors to such a structure, made by `compile`.
            calls: The arguments of each call, of the same shapes in all of them: tensors, arrays, None, or placed data.
        """

    @abc.abstractmethod
    def mean(self, structure: Any) -> Any:
        """Returns, inside a compiled function, the average over the shares of a batch."""

    @abc.abstractmethod
    def gather(self, structure: Any) -> list[Any]:
        """Returns what each process has, the chief's first.

        Args:
            structure: A structure of arrays of the same shapes in all processes.
        """

    def of_chief(self, structure: Any) -> Any:
        """Returns what the first process has; see `gather`."""
        return self.gather(structure)[0]

    @property
    @abc.abstractmethod
    def is_chief(self) -> bool:
        """Whether this is the first process, the only one that writes files."""

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """Returns the name of what the user gave, and the numbers of replicas and processes."""


class Replicas(Protocol):
    """Several devices that a user gave, each with a copy of the program.

    Attributes:
        name: What the type of the given object is called.
        total: Number of replicas in all processes.
        local: Numbers of those in this process.
    """

    name: str
    total: int
    local: list[int]

    def place(self, data: Any) -> Any:
        """Returns a structure of tensors, copied to each local replica once for many calls."""

    def run(self, fn: Callable[..., Any], calls: list[tuple[Any, ...]]) -> list[Any]:
        """Returns the results of one call on each local replica, as NumPy arrays.

        Args:
            fn: A compiled function.
            calls: The arguments for each local replica.
        """

    def all_gather(self, vector: np.ndarray) -> np.ndarray:
        """Returns the vectors of all processes, shape (num_processes, n).

        Args:
            vector: Vector of int32 of this process, shape (n,).
        """

    def compile_shared(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a function in the form that `run_shared` takes."""

    def place_shared(self, data: Any) -> Any:
        """Returns a structure of tensors in a form that need not travel with each call of `run_shared`."""

    def run_shared(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Returns the result of one call that all replicas work at, as NumPy arrays.

        Args:
            fn: A function that `compile_shared` returned.
            args: Its arguments; each replica gets its part of those that are `Shared`.
        """

    def mean(self, structure: Any) -> Any:
        """Returns, inside such a call, the average over the replicas. It must not stand in a compiled loop."""


class Devices(Protocol):
    """What each of the modules `strategy`, `mesh` and `process_group` has."""

    def wrap(self, given: Any) -> Replicas:
        """Returns the replicas of what the user gave.

        Args:
            given: A `tf.distribute.Strategy`, `keras.distribution.DataParallel` or `torch.distributed.ProcessGroup`.

        Raises:
            InputError: If it is not the backend's.
        """

    def start(self, strategy: str, num_devices: int | None, tpu: str) -> Any:
        """Returns what a user would give; arguments and errors are those of `distribution.start`."""

    def first_host(self) -> str:
        """Returns the host of the first of several processes, once `start` has found them."""
