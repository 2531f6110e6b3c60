"""Calls on the threads of this process."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from keras_sharpness import backend
from keras_sharpness.distribution.abstract import AbstractDistribution
from keras_sharpness.distribution.structures import to_numpy, to_tensors

T = TypeVar("T")
U = TypeVar("U")


class Threads(AbstractDistribution):
    """Calls run in this process, on as many threads as keep the cores busy."""

    is_chief, shares, in_step = True, 1, False

    @property
    def at_once(self) -> int:
        return backend.workers()

    def compile(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        return backend.compile(fn)

    def place(self, data: Any) -> Any:
        return data

    def mean(self, structure: Any) -> Any:
        return structure

    def map(self, fn: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        return map_in_threads(lambda args: to_numpy(fn(*to_tensors(args))), calls)

    def gather(self, structure: Any) -> list[Any]:
        return [structure]

    def describe(self) -> dict[str, Any]:
        return {"strategy": None, "replicas": 1, "processes": 1}


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
