"""What the three backends offer beyond `keras.ops`; Keras's choice of backend picks the module.

`contract.Backend` documents each name.
"""

import importlib
from typing import TYPE_CHECKING, cast

import keras

from keras_sharpness.backend.contract import Backend
from keras_sharpness.backend.loops import unrolled as unrolled

if TYPE_CHECKING:
    from keras_sharpness.backend import jax, tensorflow, torch

    # mypy compares each module with the contract here.
    _jax: Backend = jax
    _tensorflow: Backend = tensorflow
    _torch: Backend = torch

_backend = cast(Backend, importlib.import_module(f"{__name__}.{keras.config.backend()}"))

LOOPS_CONVOLUTIONS = _backend.LOOPS_CONVOLUTIONS
LOOPS_IN_PLACE = _backend.LOOPS_IN_PLACE
VECTORIZES_CONVOLUTIONS = _backend.VECTORIZES_CONVOLUTIONS
value_and_grad = _backend.value_and_grad
training_gradient = _backend.training_gradient
hvp = _backend.hvp
jvp = _backend.jvp
vjp = _backend.vjp
compile = _backend.compile
choose = _backend.choose
after = _backend.after
outline = _backend.outline
vectorize = _backend.vectorize
scan = _backend.scan
sparse_product = _backend.sparse_product
repeatable = _backend.repeatable
replay = _backend.replay
unrecorded = _backend.unrecorded
num_replicas = _backend.num_replicas
sum_over_replicas = _backend.sum_over_replicas
in_scope = _backend.in_scope
use_one_thread_per_operation = _backend.use_one_thread_per_operation
workers = _backend.workers
devices = _backend.devices
on_accelerator = _backend.on_accelerator
