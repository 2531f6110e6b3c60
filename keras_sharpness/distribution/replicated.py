"""Different calls on different devices."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from keras_sharpness import backend
from keras_sharpness.distribution.abstract import AbstractDistribution, Replicas
from keras_sharpness.distribution.structures import pack, unpack
from keras_sharpness.errors import InputError, reason, require


class Replicated(AbstractDistribution):
    """Replicas that work at different calls."""

    shares = 1

    def __init__(self, replicas: Replicas) -> None:
        """Checks that processes can work in step.

        Args:
            replicas: The devices.

        Raises:
            InputError: If the processes have different numbers of devices.
        """
        self._replicas = replicas
        self._placed: dict[int, tuple[Any, ...]] = {}
        # `gather` reads what process p sends as the results of replicas p * len(local) and following.
        total, local = replicas.total, replicas.local
        self._num_processes = total // max(len(local), 1)
        even = len(local) > 0 and local == [*range(local[0], local[0] + len(local))] and total % len(local) == 0
        require(even, "each process must have the same number of devices, one after another", here=local, of=total)

    @property
    def at_once(self) -> int:
        return self._replicas.total

    @property
    def is_chief(self) -> bool:
        return self._replicas.local[0] == 0

    def compile(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        return backend.compile(fn)

    def mean(self, structure: Any) -> Any:
        return structure

    def place(self, data: Any) -> Any:
        if id(data) not in self._placed:
            # The data are kept too: Python gives the id of freed data to others.
            self._placed[id(data)] = data, self._replicas.place(data)
        return self._placed[id(data)][1]

    def map(self, fn: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        rest, total = iter(calls), self._replicas.total
        while some := [*itertools.islice(rest, total)]:
            # Replicas without a call repeat the last, so that all run the same program.
            mine = [some[min(replica, len(some) - 1)] for replica in self._replicas.local]
            results = [result for part in self.gather(self._replicas.run(fn, mine)) for result in part]
            yield from results[: len(some)]

    def gather(self, structure: Any) -> list[Any]:
        if self._num_processes == 1:
            return [structure]
        try:
            rows = self._replicas.all_gather(pack(structure))
        except (RuntimeError, OSError) as error:  # What backends raise when the connection to a process ends.
            raise InputError(f"all processes must run until the work is done. Received: {reason(error)}") from error
        return [unpack(row, structure) for row in rows]

    def describe(self) -> dict[str, Any]:
        return {"strategy": self._replicas.name, "replicas": self._replicas.total, "processes": self._num_processes}
