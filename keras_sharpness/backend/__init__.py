"""What the three backends must offer beyond `keras.ops`; Keras's choice of backend picks the module.

Every module has the same names:

- `value_and_grad(fn, has_aux=False)`: as `jax.value_and_grad`, with respect to the first argument, a list of arrays.
- `hvp(fn)`: from a scalar function of a list of arrays, the function of (point, direction) that returns the Hessian at
  the point times the direction.
- `compile(fn)`: `fn`, traced once for each combination of argument shapes.
- `outline(fn, *args)`: what `fn` would return, for its structure and shapes; traced, or run, but not compiled.
- `vectorize(fn, in_axes)`: `fn` mapped over the leading axis of the arguments whose entry in `in_axes` is 0; an
  argument whose entry is None is shared.
- `scan(step, carry, xs=None, length=None, outputs=None)`: threads `carry` through `step(carry, x) -> (carry, y)` over
  the leading axis of `xs`, or `length` times with `x` None, and stacks each tensor of the structure `y`. `outputs` is
  that structure with the name of a dtype for each tensor; None: `y` is one tensor of Keras's float type. TensorFlow
  needs to know before the loop begins. For use inside compiled functions.
- `sparse_product(matrix)`: from a NumPy matrix of shape (n, k), mostly zeros, the differentiable function that takes
  a dense (k, width) to the product (n, width).
- `LOOPS_CONVOLUTIONS`: whether a convolution inside a compiled `scan` runs as fast as outside, on a CPU.
- `VECTORIZES_CONVOLUTIONS`: whether `vectorize` can map over a convolution's filter.
- `repeatable()`: a context in which layers that draw from the backend's global generator draw the same each time, and
  leave it as it was.
- `use_one_thread_per_operation()`: for work that is itself run in threads; to be called before the first operation.
- `workers()`: how many threads of such work keep the cores busy: 1 unless operations have one thread each.
- `devices()`: names of the devices in use.
- `on_accelerator()`: whether these are more than the CPU.
"""

import contextlib
import importlib

import keras

from keras_sharpness.backend.loops import unrolled as unrolled

_backend = importlib.import_module(f"{__name__}.{keras.config.backend()}")

value_and_grad = _backend.value_and_grad
hvp = _backend.hvp
compile = _backend.compile
outline = _backend.outline
vectorize = _backend.vectorize
sparse_product = _backend.sparse_product
repeatable = getattr(_backend, "repeatable", contextlib.nullcontext)
LOOPS_CONVOLUTIONS = _backend.LOOPS_CONVOLUTIONS
VECTORIZES_CONVOLUTIONS = _backend.VECTORIZES_CONVOLUTIONS
use_one_thread_per_operation = _backend.use_one_thread_per_operation
workers = _backend.workers
devices = _backend.devices
on_accelerator = _backend.on_accelerator
# PyTorch runs eagerly: a Python loop is its scan.
scan = getattr(_backend, "scan", unrolled)
