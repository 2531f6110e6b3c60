"""Shares out independent calls of one function over threads, devices or processes.

No number depends on how many there are: a call is computed in the same way wherever it runs. Where there are several
processes, all run the same program in step: each computes the calls of its own replicas, then all get all results.

Keras's choice of backend picks a module, whose `Replicas(given)` wraps what the user gave and offers

- `total`, `local`: how many replicas there are, and the numbers of those in this process;
- `place(data)`: a structure of tensors, copied to each local replica once for many calls;
- `run(fn, calls)`: `fn` of one tuple of arguments on each local replica, its results as NumPy arrays;
- `all_gather(vector)`: the int32 vectors of all processes, shape (num_processes, n);
- `compile_shared(fn)`, `place_shared(data)`, `run_shared(fn, args)`: the same for one call that all replicas work at,
  each with its part of the `Shared` arguments;
- `mean(structure)`: inside such a call, what averages over the replicas; it must not stand in a compiled loop.

Its `start(strategy, num_devices, tpu)` makes what a user would give, before the backend's first operation.
"""

import abc
import importlib
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import keras

from keras_sharpness import backend
from keras_sharpness.distribution.structures import pack, to_numpy, to_tensors, unpack
from keras_sharpness.errors import require

T = TypeVar("T")
U = TypeVar("U")


class AbstractDistribution(abc.ABC):
    """Where calls run.

    Attributes:
        shares: Parts that each batch's examples are cut into; 1 where calls are whole.
    """

    shares: int

    @property
    @abc.abstractmethod
    def at_once(self) -> int:
        """Calls that run at once."""

    @abc.abstractmethod
    def compile(self, fn: Callable) -> Callable:
        """Returns a function of tensors in the form that `map` takes, compiled once for all calls."""

    @abc.abstractmethod
    def place(self, data: Any) -> Any:
        """Returns large arguments of many calls in a form that need not travel with each of them.

        Args:
            data: A structure of tensors.
        """

    @abc.abstractmethod
    def map(self, fn: Callable, calls: Iterable[tuple]) -> Iterator[Any]:
        """Yields the results of calls, structures of NumPy arrays, in their order.

        Args:
            fn: Function of structures of tensors to such a structure, made by `compile`.
            calls: The arguments of each call, of the same shapes in all of them: tensors, arrays, None, or placed data.
        """

    @abc.abstractmethod
    def mean(self, structure: Any) -> Any:
        """Returns, inside a compiled function, the average over the shares of a batch."""

    @abc.abstractmethod
    def gather(self, structure: Any) -> list:
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
        """Whether this is the first process, which alone writes files."""

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """Returns the name of what the user gave, and the numbers of replicas and processes."""


class Threads(AbstractDistribution):
    """This process alone, on as many threads as keep the cores busy."""

    is_chief, shares = True, 1

    @property
    def at_once(self) -> int:
        """See the base."""
        return backend.workers()

    def compile(self, fn: Callable) -> Callable:
        """See the base."""
        return backend.compile(fn)

    def place(self, data: Any) -> Any:
        """See the base."""
        return data

    def mean(self, structure: Any) -> Any:
        """See the base."""
        return structure

    def map(self, fn: Callable, calls: Iterable[tuple]) -> Iterator[Any]:
        """See the base."""
        return map_in_threads(lambda args: to_numpy(fn(*to_tensors(args))), calls)

    def gather(self, structure: Any) -> list:
        """See the base."""
        return [structure]

    def describe(self) -> dict[str, Any]:
        """See the base."""
        return {"strategy": None, "replicas": 1, "processes": 1}


class Replicated(AbstractDistribution):
    """Replicas that work at different calls."""

    shares = 1

    def __init__(self, given: Any) -> None:
        """Wraps what the user gave.

        Args:
            given: A `tf.distribute.Strategy`, `keras.distribution.DataParallel` or `torch.distributed.ProcessGroup`.

        Raises:
            InputError: If it is none of the backend's, or its processes have different numbers of devices.
        """
        self._name, self._replicas = type(given).__name__, _load().Replicas(given)
        self._placed: dict[int, tuple] = {}
        total, local = self._replicas.total, self._replicas.local
        self._num_processes = total // max(len(local), 1)
        even = len(local) > 0 and local == [*range(local[0], local[0] + len(local))] and total % len(local) == 0
        require(even, "each process must have the same number of devices, one after another", here=local, of=total)

    @property
    def at_once(self) -> int:
        """See the base."""
        return self._replicas.total

    @property
    def is_chief(self) -> bool:
        """See the base."""
        return self._replicas.local[0] == 0

    def compile(self, fn: Callable) -> Callable:
        """See the base."""
        return backend.compile(fn)

    def mean(self, structure: Any) -> Any:
        """See the base."""
        return structure

    def place(self, data: Any) -> Any:
        """See the base."""
        if id(data) not in self._placed:
            # Held on to, so that no other data get its id.
            self._placed[id(data)] = data, self._replicas.place(data)
        return self._placed[id(data)][1]

    def map(self, fn: Callable, calls: Iterable[tuple]) -> Iterator[Any]:
        """See the base."""
        rest, total = iter(calls), self._replicas.total
        while some := [*itertools.islice(rest, total)]:
            # Replicas without a call repeat the last, so that all run the same program.
            mine = [some[min(replica, len(some) - 1)] for replica in self._replicas.local]
            results = [result for part in self.gather(self._replicas.run(fn, mine)) for result in part]
            yield from results[: len(some)]

    def gather(self, structure: Any) -> list:
        """See the base."""
        if self._num_processes == 1:
            return [structure]
        return [unpack(row, structure) for row in self._replicas.all_gather(pack(structure))]

    def describe(self) -> dict[str, Any]:
        """See the base."""
        return {"strategy": self._name, "replicas": self._replicas.total, "processes": self._num_processes}


class SplitExamples(AbstractDistribution):
    """Replicas that work at parts of the same batch."""

    at_once = 1

    def __init__(self, given: Any) -> None:
        """Wraps what the user gave; see `Replicated`."""
        self._processes, self._replicas = Replicated(given), _load().Replicas(given)
        self.shares = self._replicas.total

    @property
    def is_chief(self) -> bool:
        """See the base."""
        return self._processes.is_chief

    def compile(self, fn: Callable) -> Callable:
        """See the base."""
        return self._replicas.compile_shared(fn)

    def place(self, data: Any) -> Any:
        """See the base."""
        return self._replicas.place_shared(data)

    def mean(self, structure: Any) -> Any:
        """See the base."""
        return self._replicas.mean(structure)

    def map(self, fn: Callable, calls: Iterable[tuple]) -> Iterator[Any]:
        """See the base."""
        return (self._replicas.run_shared(fn, args) for args in calls)

    def gather(self, structure: Any) -> list:
        """See the base."""
        return self._processes.gather(structure)

    def describe(self) -> dict[str, Any]:
        """See the base."""
        return self._processes.describe()


def split_examples(given: Any) -> SplitExamples:
    """Lets all devices work at each batch together, a part of its examples each: for one big model.

    Losses and gradients are averaged over the devices after every pass. Measures take the result as `distribution`, in
    inference mode, with at least as many examples in a batch as there are devices.

    Args:
        given: A `tf.distribute.Strategy`, `keras.distribution.DataParallel` or `torch.distributed.ProcessGroup`.

    Raises:
        InputError: If it is none of the backend's.
    """
    return SplitExamples(given)


def distribute(given: Any) -> AbstractDistribution:
    """Returns what a user's `distribution` means.

    Args:
        given: None (this process alone), what the backend offers for several devices, or what this function returned.
    """
    if given is None or isinstance(given, AbstractDistribution):
        return given or Threads()
    return Replicated(given)


def start(strategy: str, num_devices: int | None = None, tpu: str = "local") -> Any:
    """Returns what a user would give as `distribution`; to be called before the backend's first operation.

    Args:
        strategy: "none", "mirrored" (the devices of this process), "multi_worker" (several processes, as the
            environment describes them) or "tpu".
        num_devices: Devices of "mirrored"; None: all accelerators, else as many as there are cores.
        tpu: Name or address of the TPU; "local": that of this machine.

    Raises:
        InputError: If the backend has no such strategy, or the environment does not describe it, or no TPU answers.
    """
    return None if strategy == "none" else _load().start(strategy, num_devices, tpu)


def map_in_threads(fn: Callable[[T], U], items: Iterable[T]) -> Iterator[U]:
    """Yields `fn` of each item, in order, computed on as many threads as keep the cores busy."""
    threads = backend.workers()
    pool = ThreadPoolExecutor(threads)
    running: deque[Future[U]] = deque()
    try:
        for item in items:
            running.append(pool.submit(fn, item))
            # No more items are taken than the threads need, so that memory does not grow with their number.
            if len(running) > threads:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _load() -> Any:
    return importlib.import_module(f"{__name__}.{keras.config.backend()}")
