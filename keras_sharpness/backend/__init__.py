"""What the three backends must offer beyond `keras.ops`; Keras's choice of backend picks the module.

Every module has the same names:

- `value_and_grad(fn, has_aux=False)`: as `jax.value_and_grad`, with respect to the first argument, a list of arrays.
- `compile(fn)`: `fn`, traced once for each combination of argument shapes.
- `vectorize(fn, in_axes)`: `fn` mapped over the leading axis of the arguments whose entry in `in_axes` is 0; an
  argument whose entry is None is shared.
- `scan(step, carry, xs=None, length=None)`: threads `carry` through `step(carry, x) -> (carry, y)` over the leading
  axis of `xs`, or `length` times with `x` None, and stacks the float tensors `y`.
- `use_one_thread_per_operation()`: for work that is itself run in threads; to be called before the first operation.
- `devices()`: names of the devices in use.
"""

import importlib

import keras

_backend = importlib.import_module(f"{__name__}.{keras.config.backend()}")

value_and_grad = _backend.value_and_grad
compile = _backend.compile
vectorize = _backend.vectorize
scan = _backend.scan
devices = _backend.devices
use_one_thread_per_operation = _backend.use_one_thread_per_operation
