import keras
import pytest

from keras_sharpness import backend
from keras_sharpness.arrays import tree

if keras.config.backend() != "tensorflow":
    pytest.skip("particulars of TensorFlow", allow_module_level=True)

import numpy as np
import tensorflow as tf


def test_gradients_of_lookups_are_dense():
    _, (gradient,) = backend.value_and_grad(lambda w: tf.reduce_sum(tf.gather(w[0], [1, 1])))([tf.ones((3, 2))])
    assert isinstance(gradient, tf.Tensor)
    np.testing.assert_array_equal(gradient, [[0, 0], [2, 2], [0, 0]])


def test_a_compiled_function_is_traced_once_for_each_shape():
    traced = []
    run = backend.compile(lambda x: traced.append(x.shape) or x * 2)
    for size in (2, 3, 2, 3):
        run(tf.ones(size))
    assert [*map(tuple, traced)] == [(2,), (3,)]


def test_scan_refuses_outputs_of_another_structure():
    run = backend.compile(lambda: backend.scan(lambda c, _: (c, {"a": c}), tf.ones(()), length=2))
    with pytest.raises(ValueError, match="structure"):
        run()


@pytest.mark.parametrize("binary", [True, False])
def test_sparse_product_makes_no_dense_constant(binary):
    matrix = np.eye(50, 400, dtype="float32") * (1 if binary else 0.5)
    product = backend.sparse_product(matrix)
    graph = tf.function(product).get_concrete_function(tf.TensorSpec((400, 3))).graph
    sizes = [op.outputs[0].shape.num_elements() for op in graph.get_operations() if op.type == "Const"]
    assert max(sizes) < 400


def test_axes_of_varying_length_share_a_trace():
    traced = []
    run = backend.compile(lambda x, y: traced.append((x.shape, y.shape)) or (tf.reduce_sum(x), y * 2), {0: (0, 2)})
    for length in (2, 3, 4):
        total, _ = run(tf.ones((length, 5, length + 1)), tf.ones(7))
        assert float(total) == 5 * length * (length + 1)
    ((x, y),) = traced
    assert (x.as_list(), y.as_list()) == ([None, 5, None], [7])


def test_scan_over_an_unknown_number_of_steps():
    run = backend.compile(lambda xs: backend.scan(lambda c, x: (c + x, c * x), tf.zeros(()), xs), {0: (0,)})
    for length in (1, 3):
        end, products = run(tf.range(1.0, 1.0 + length))
        assert float(end) == length * (length + 1) / 2
        assert products.shape == (length,)


def operations(fn, *shapes):
    """Returns the operations of a function's graph by type."""
    graph = tf.function(fn).get_concrete_function(*map(tf.TensorSpec, shapes)).graph
    found = {}
    for operation in graph.get_operations():
        found.setdefault(operation.type, []).append(operation)
    return found


def test_arrays_in_turn_wait_for_the_one_before():
    first, second = operations(lambda a, b: tree.add([a, b], [b, a]), (3,), (3,))["AddV2"]
    assert not first.control_inputs and second.control_inputs == [first]


def test_a_choice_takes_no_copy_but_where_it_is_mapped():
    def choose(condition, a, b):
        return backend.choose(condition[..., 0] > 0, [a], [b])

    assert not {"Select", "SelectV2"} & operations(choose, (1,), (3,), (3,)).keys()
    mapped = backend.vectorize(choose, in_axes=(0, 0, 0))
    assert {"Select", "SelectV2"} & operations(mapped, (2, 1), (2, 3), (2, 3)).keys()
