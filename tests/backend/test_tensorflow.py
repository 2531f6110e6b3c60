import keras
import pytest

from keras_sharpness import backend

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
