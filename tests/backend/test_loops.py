"""`scan` and `unrolled` are the same loop."""

from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
from keras import ops

from keras_sharpness import backend

SCANS = pytest.mark.parametrize("scan", [backend.scan, backend.unrolled])


def tensor(values):
    return ops.convert_to_tensor(np.asarray(values, "float32"))


@SCANS
def test_scan_threads_the_carry_and_stacks(scan):
    def total(xs):
        return scan(lambda carry, x: (carry + x, carry * x), ops.zeros(()), xs)

    end, products = backend.compile(total)(tensor([1, 2, 3]))
    assert float(end) == 6
    np.testing.assert_allclose(ops.convert_to_numpy(products), [0, 2, 9])
    assert float(backend.compile(lambda x: scan(lambda c, _: (c * 2, c), x, length=3)[0])(tensor(1.0))) == 8


class Seen(NamedTuple):
    losses: Any
    others: Any


def steps_and_outputs():
    """Steps that return a structure of each kind, nested too, with the dtypes of their leaves."""

    def step(wrap):
        return lambda carry, x: (carry + x, wrap(carry * x, ops.stack([carry, x]), ops.cast(x, "int32")))

    return {
        "dict": (step(lambda a, b, c: {"b": b, "a": a}), {"a": "float32", "b": "float32"}),
        "tuple": (step(lambda a, b, c: (a, c)), ("float32", "int32")),
        "list": (step(lambda a, b, c: [b, a]), ["float32", "float32"]),
        "named tuple": (
            step(lambda a, b, c: Seen(a, {"c": c, "rest": [b]})),
            Seen("float32", {"c": "int32", "rest": ["float32"]}),
        ),
        "none": (step(lambda a, b, c: ()), ()),
    }


@SCANS
@pytest.mark.parametrize("kind", list(steps_and_outputs()))
def test_scan_stacks_each_leaf_of_a_structure(scan, kind):
    step, outputs = steps_and_outputs()[kind]
    xs = np.asarray([1, 2, 3], "float32")
    end, ys = backend.compile(lambda xs: scan(step, ops.zeros(()), xs, outputs=outputs))(tensor(xs))
    assert float(end) == 6
    # Values are checked against plain Python, leaf by leaf.
    carries = [np.float32(0), np.float32(1), np.float32(3)]
    rows = [step(tensor(carry), tensor(x))[1] for carry, x in zip(carries, xs, strict=True)]
    expected = keras.tree.map_structure(lambda *leaves: np.stack([ops.convert_to_numpy(v) for v in leaves]), *rows)
    keras.tree.assert_same_structure(outputs, ys)
    for name, y, value in zip(*map(keras.tree.flatten, (outputs, ys, expected)), strict=True):
        assert keras.backend.standardize_dtype(y.dtype) == name
        np.testing.assert_array_equal(ops.convert_to_numpy(y), value)


@SCANS
def test_scan_threads_a_carry_that_is_a_structure(scan):
    def step(carry, x):
        return {"sum": carry["sum"] + x, "seen": (carry["sum"], carry["seen"][1] * 2)}, carry["sum"]

    begin = {"sum": ops.zeros(()), "seen": (ops.zeros(()), ops.ones(()))}
    end, sums = backend.compile(lambda xs: scan(step, begin, xs))(tensor([1, 2, 3]))
    assert (float(end["sum"]), float(end["seen"][0]), float(end["seen"][1])) == (6, 3, 8)
    np.testing.assert_array_equal(ops.convert_to_numpy(sums), [0, 1, 3])


@SCANS
def test_scan_of_no_steps_stacks_nothing(scan):
    def step(carry, x):
        return carry + 1, {"a": ops.stack([carry, carry]), "b": ops.cast(carry, "int32")}

    outputs = {"a": "float32", "b": "int32"}
    end, ys = backend.compile(lambda c: scan(step, c, length=0, outputs=outputs))(tensor(5))
    assert float(end) == 5
    assert (tuple(ys["a"].shape), tuple(ys["b"].shape)) == ((0, 2), (0,))
    assert keras.backend.standardize_dtype(ys["b"].dtype) == "int32"
    end, ys = backend.compile(lambda xs: scan(lambda c, x: (c, x * c), ops.ones(()), xs))(tensor(np.zeros((0, 3))))
    assert float(end) == 1 and tuple(ys.shape) == (0, 3)


@SCANS
def test_gradients_flow_through_a_scan_of_structures(scan):
    outputs = {"c": "float32", "x": "float32"}

    def loss(weights):
        _, ys = scan(lambda c, x: (c * x, {"c": c, "x": x * x}), weights[0][0], weights[0], outputs=outputs)
        return ops.sum(ys["c"]) + ops.sum(ys["x"])

    # c: w0 + w0^2 + w0^2 w1, x: the sum of squares.
    _, (gradient,) = backend.compile(backend.value_and_grad(loss))([tensor([2, 3, 5])])
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), [1 + 4 + 12 + 4, 4 + 6, 10], rtol=1e-6)
