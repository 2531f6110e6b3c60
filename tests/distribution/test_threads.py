import threading

import numpy as np
import pytest
from keras import ops

from keras_sharpness import backend
from keras_sharpness.distribution.threads import Threads, map_in_threads


def test_results_come_in_order_from_as_many_threads_as_there_are_workers(monkeypatch):
    monkeypatch.setattr(backend, "workers", lambda: 2)
    both = threading.Barrier(2, timeout=10)

    def fn(item):
        # Passes only if two calls run at once.
        both.wait()
        return item * 10

    assert [*map_in_threads(fn, range(6))] == [0, 10, 20, 30, 40, 50]


def test_items_are_taken_as_they_are_needed(monkeypatch):
    monkeypatch.setattr(backend, "workers", lambda: 1)
    taken = []
    results = map_in_threads(lambda item: item, (taken.append(k) or k for k in range(10)))
    assert next(results) == 0
    assert len(taken) == 2


def test_an_error_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        list(map_in_threads(lambda item: 1 / item, [1, 0]))


def test_map_takes_arrays_and_none_and_returns_arrays():
    threads = Threads()
    fn = threads.compile(lambda x, y: {"sum": ops.sum(x["a"]), "none": ops.cast(y is None, "int32")})
    results = [*threads.map(fn, [({"a": np.ones(3, "float32")}, None), ({"a": np.zeros(3, "float32")}, None)])]
    assert [float(result["sum"]) for result in results] == [3, 0]
    assert all(isinstance(leaf, np.ndarray) and result["none"] for result in results for leaf in result.values())


def test_a_process_by_itself_is_the_chief():
    threads = Threads()
    assert threads.is_chief and threads.shares == 1
    assert threads.gather([1]) == [[1]] and threads.place("data") == "data" and threads.mean(2) == 2
    assert threads.describe() == {"strategy": None, "replicas": 1, "processes": 1}
