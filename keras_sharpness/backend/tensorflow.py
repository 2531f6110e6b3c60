"""TensorFlow: gradients by `tf.GradientTape`, compiled into graphs by `tf.function`.

Graphs are not compiled further by XLA: on CPU it more than doubles the time of a convolution and gains a dense network
less than it costs to compile.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_sharpness.backend.internals import allow_many_functions
from keras_sharpness.backend.loops import unrolled
from keras_sharpness.backend.mapping import is_mapping, within_map
from keras_sharpness.backend.tensorflow_moments import twice_differentiable

LOOPS_CONVOLUTIONS = True
LOOPS_IN_PLACE = True
# There is no kernel for a batch of convolutions, each with a filter of its own.
VECTORIZES_CONVOLUTIONS = False


def value_and_grad(fn: Callable[..., Any], has_aux: bool = False) -> Callable[..., Any]:
    def wrapped(weights: list[Any], *args: Any) -> tuple[Any, ...]:
        with _tape(weights) as tape:
            output = fn(weights, *args)
            value = output[0] if has_aux else output
        return output, _gradient(tape, value, weights)

    return wrapped


def training_gradient(fn: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(weights: list[Any]) -> tuple[Any, list[Any]]:
        point = [tf.convert_to_tensor(weight) for weight in weights]
        with _tape(point) as tape:
            output = fn(point)
        # Look-ups have sparse gradients.
        return output, [None if g is None else tf.convert_to_tensor(g) for g in tape.gradient(output[0], point)]

    return wrapped


def hvp(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Reverse over reverse mode: every operation that has a gradient of its gradient will do."""

    def wrapped(point: list[Any], direction: list[Any]) -> list[Any]:
        with _tape(point) as tape, twice_differentiable():
            gradient = value_and_grad(fn)(point)[1]
        return _gradient(tape, gradient, point, direction)

    return wrapped


def jvp(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Reverse over reverse mode too: `tf.autodiff.ForwardAccumulator` does not reach into loops.

    u -> J'u is linear, and its transpose is J. So the gradient of J'u with respect to u, which may be anything, is
    taken with the direction as cotangent.
    """

    def wrapped(point: list[Any], direction: list[Any]) -> tuple[Any, ...]:
        with _tape(point) as inner:
            value = fn(point)
        cotangent = keras.tree.map_structure(tf.ones_like, value)
        with _tape(cotangent) as outer:
            pulled = _gradient(inner, value, point, cotangent)
        leaves = _gradient(outer, pulled, keras.tree.flatten(cotangent), direction)
        return value, keras.tree.pack_sequence_as(value, leaves)

    return wrapped


def vjp(fn: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(point: list[Any], cotangent: Any) -> tuple[Any, ...]:
        with _tape(point) as tape:
            value = fn(point)
        return value, _gradient(tape, value, point, cotangent)

    return wrapped


@contextlib.contextmanager
def _tape(watched: Any) -> Iterator[tf.GradientTape]:
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(watched)
        yield tape


def _gradient(tape: tf.GradientTape, value: Any, point: list[Any], cotangent: Any = None) -> list[Any]:
    zero = tf.UnconnectedGradients.ZERO
    gradient = tape.gradient(value, point, output_gradients=cotangent, unconnected_gradients=zero)
    # Look-ups (embeddings) have sparse gradients, which arithmetic on lists of arrays does not know.
    return [tf.convert_to_tensor(g) for g in gradient]


def compile(
    fn: Callable[..., Any], varying: Mapping[int, tuple[int, ...]] | None = None, spent: tuple[int, ...] = ()
) -> Callable[..., Any]:
    # A function cannot write into its arguments.
    del spent
    compiled = tf.function(fn, autograph=False)
    allow_many_functions(compiled)
    # A TPU needs to know all lengths.
    return _trace_once(compiled, varying) if varying and not on_accelerator() else compiled


def _trace_once(compiled: Any, varying: Mapping[int, tuple[int, ...]]) -> Callable[..., Any]:
    """Returns a compiled function that is traced for all lengths of some axes when it sees the first."""
    lock, traced = threading.Lock(), False

    def wrapped(*args: Any) -> Any:
        nonlocal traced
        with lock:
            if not traced:
                compiled.get_concrete_function(*(_of_any_length(arg, varying.get(i, ())) for i, arg in enumerate(args)))
                traced = True
        return compiled(*args)

    return wrapped


def _of_any_length(structure: Any, axes: tuple[int, ...]) -> Any:
    def spec(a: Any) -> tf.TensorSpec:
        shape = [None if axis in axes else length for axis, length in enumerate(a.shape)]
        return tf.TensorSpec(shape, a.dtype)

    return keras.tree.map_structure(spec, structure)


def choose(condition: Any, a: list[Any], b: list[Any]) -> list[Any]:
    if is_mapping():
        return [tf.where(condition, x, y) for x, y in zip(a, b, strict=True)]
    return list(tf.cond(condition, lambda: a, lambda: b))


def after(structure: Any) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext() if is_mapping() else tf.control_dependencies(keras.tree.flatten(structure))


def outline(fn: Callable[..., Any], *args: Any) -> Any:
    return tf.function(fn, autograph=False).get_concrete_function(*args).structured_outputs


def vectorize(fn: Callable[..., Any], in_axes: tuple[Any, ...]) -> Callable[..., Any]:
    def wrapped(*args: Any) -> Any:
        mapped = tuple(arg for arg, axis in zip(args, in_axes, strict=True) if axis == 0)

        def one(elements: tuple[Any, ...]) -> Any:
            remaining = iter(elements)
            with within_map():
                return fn(*(next(remaining) if axis == 0 else arg for arg, axis in zip(args, in_axes, strict=True)))

        return tf.vectorized_map(one, mapped, fallback_to_while_loop=False)

    return wrapped


def scan(
    step: Callable[..., Any], carry: Any, xs: Any = None, length: int | None = None, outputs: Any = None
) -> tuple[Any, Any]:
    """`keras.ops.scan` demands outputs shaped as the carry; this does not."""
    size = length if xs is None else tf.nest.flatten(xs)[0].shape[0]
    if size is None:
        size = tf.shape(tf.nest.flatten(xs)[0])[0]
    elif size == 0:
        # An empty TensorArray does not know the shape of its elements.
        return unrolled(step, carry, xs, length, outputs)
    outputs = keras.config.floatx() if outputs is None else outputs

    def body(i: tf.Tensor, carry: Any, arrays: list[Any]) -> tuple[Any, ...]:
        x = None if xs is None else tf.nest.map_structure(lambda a: a[i], xs)
        carry, y = step(carry, x)
        keras.tree.assert_same_structure(outputs, y)
        return i + 1, carry, [array.write(i, leaf) for array, leaf in zip(arrays, keras.tree.flatten(y), strict=True)]

    arrays = [tf.TensorArray(dtype, size) for dtype in keras.tree.flatten(outputs)]
    # One iteration at a time: members of a pool already fill the cores, and memory stays that of one step.
    _, carry, arrays = tf.while_loop(
        lambda i, *_: i < size, body, (tf.constant(0), carry, arrays), parallel_iterations=1
    )
    return carry, keras.tree.pack_sequence_as(outputs, [array.stack() for array in arrays])


def sparse_product(matrix: np.ndarray) -> Callable[..., Any]:
    """`SparseTensor`'s own product is slower than a dense one; sums of gathered rows are not."""
    rows, columns = np.nonzero(matrix)
    forward = _weighted_sum(matrix[rows, columns], columns, rows, len(matrix))
    order = np.argsort(columns, kind="stable")
    backward = _weighted_sum(matrix[rows, columns][order], rows[order], columns[order], matrix.shape[1])

    @tf.custom_gradient
    def product(dense: tf.Tensor) -> tuple[Any, ...]:
        return forward(dense), backward

    return product


def _weighted_sum(values: np.ndarray, sources: np.ndarray, targets: np.ndarray, num_targets: int) -> Callable[..., Any]:
    """Returns the function that adds values[k] times row sources[k] to row targets[k], targets ascending."""
    # Rows are summed as they are gathered where all values are one, as binary features are.
    if np.all(values == 1):
        return lambda dense: tf.sparse.segment_sum(dense, sources, targets, num_segments=num_targets)
    return lambda dense: tf.math.unsorted_segment_sum(tf.gather(dense, sources) * values[:, None], targets, num_targets)


def repeatable() -> contextlib.AbstractContextManager[None]:
    """Keras's layers draw from their own seed generators on TensorFlow."""
    return contextlib.nullcontext()


def replay() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Keras's layers draw from their own seed generators on TensorFlow."""
    return contextlib.nullcontext


def unrecorded() -> contextlib.AbstractContextManager[None]:
    """A tape records only what it is told to watch."""
    return contextlib.nullcontext()


def num_replicas() -> int:
    return tf.distribute.get_strategy().num_replicas_in_sync


def sum_over_replicas(arrays: list[Any]) -> list[Any]:
    return arrays if num_replicas() == 1 else tf.distribute.get_replica_context().all_reduce("SUM", arrays)


def in_scope(layers: Iterable[keras.Layer], values: Mapping[int, Any]) -> contextlib.AbstractContextManager[None]:
    """Every layer reads its variables from Keras's scope."""
    return contextlib.nullcontext()


def use_one_thread_per_operation() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(os.cpu_count() or 1)


def workers() -> int:
    return (os.cpu_count() or 1) if tf.config.threading.get_intra_op_parallelism_threads() == 1 else 1


def devices() -> list[str]:
    return [device.name for device in _accelerators() or tf.config.list_logical_devices("CPU")]


def on_accelerator() -> bool:
    return bool(_accelerators())


def _accelerators() -> list[Any]:
    return tf.config.list_logical_devices("GPU") + tf.config.list_logical_devices("TPU")
