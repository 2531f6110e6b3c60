"""One call on all devices, each with a part of its examples."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from keras_sharpness.distribution.abstract import AbstractDistribution, Replicas
from keras_sharpness.distribution.replicated import Replicated


class SplitExamples(AbstractDistribution):
    """Replicas that work at parts of the same batch."""

    at_once = 1

    def __init__(self, replicas: Replicas) -> None:
        """Checks that processes can work in step; see `Replicated`."""
        self._processes, self._replicas = Replicated(replicas), replicas
        self.shares = replicas.total

    @property
    def is_chief(self) -> bool:
        return self._processes.is_chief

    def compile(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        return self._replicas.compile_shared(fn)

    def place(self, data: Any) -> Any:
        return self._replicas.place_shared(data)

    def mean(self, structure: Any) -> Any:
        return self._replicas.mean(structure)

    def map(self, fn: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        return (self._replicas.run_shared(fn, args) for args in calls)

    def gather(self, structure: Any) -> list[Any]:
        return self._processes.gather(structure)

    def describe(self) -> dict[str, Any]:
        return self._processes.describe()
