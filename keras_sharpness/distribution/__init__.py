"""Shares out independent calls of one function over threads, devices or processes.

No number depends on how many there are: a call is computed in the same way wherever it runs.
"""

import abc
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import keras
from keras import ops

from keras_sharpness import backend

T = TypeVar("T")
U = TypeVar("U")


class AbstractDistribution(abc.ABC):
    """Where calls run.

    Attributes:
        at_once: Calls that run at once.
    """

    at_once: int

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
            fn: Function of structures of tensors to such a structure, made by `backend.compile` or of such functions.
            calls: The arguments of each call, of the same shapes in all of them: tensors, arrays, None, or placed data.
        """


class Threads(AbstractDistribution):
    """This process alone, on as many threads as keep the cores busy."""

    @property
    def at_once(self) -> int:  # type: ignore[override]
        """Calls that run at once."""
        return backend.workers()

    def place(self, data: Any) -> Any:
        """Returns the data."""
        return data

    def map(self, fn: Callable, calls: Iterable[tuple]) -> Iterator[Any]:
        """Returns an iterator over the results of the calls."""
        return map_in_threads(lambda args: to_numpy(fn(*to_tensors(args))), calls)


def distribute(given: Any) -> AbstractDistribution:
    """Returns what a user's `distribution` means.

    Args:
        given: None: this process alone.
    """
    return Threads() if given is None else given


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


def to_tensors(structure: Any) -> Any:
    """Returns the same with tensors for arrays; None stays."""
    return keras.tree.map_structure(lambda a: None if a is None else ops.convert_to_tensor(a), structure)


def to_numpy(structure: Any) -> Any:
    """Returns the same with arrays for tensors."""
    return keras.tree.map_structure(ops.convert_to_numpy, structure)
