"""PyTorch modules inside a Keras model, called with other values than their own parameters."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import torch

# A module is changed while it runs.
_lock = threading.RLock()


@contextlib.contextmanager
def with_values(wrappers: Sequence[keras.Layer], values: Mapping[int, Any]) -> Iterator[None]:
    """Has wrapped modules compute with given values.

    Buffers, such as moving averages of a batch normalization, are copies, so that the module stays as it was.

    Args:
        wrappers: Layers of the type `keras.layers.TorchModuleWrapper`.
        values: A tensor for each variable, by the identity of the variable.
    """
    with _lock:
        for wrapper in wrappers:
            vars(wrapper)["call"] = _call(wrapper, _tensors(wrapper, values))
        try:
            yield
        finally:
            for wrapper in wrappers:
                del vars(wrapper)["call"]


def _tensors(wrapper: keras.Layer, values: Mapping[int, Any]) -> dict[str, torch.Tensor]:
    # A variable of the wrapper holds the module's parameter itself.
    by_parameter = {id(variable.value): values[id(variable)] for variable in wrapper.variables}
    parameters = {name: by_parameter.get(id(p), p) for name, p in wrapper.module.named_parameters()}
    return parameters | {name: buffer.clone() for name, buffer in wrapper.module.named_buffers()}


def _call(wrapper: keras.Layer, tensors: dict[str, torch.Tensor]) -> Callable[..., Any]:
    def call(*args: Any, training: bool | None = None, **options: Any) -> Any:
        modes = [(part, part.training) for part in wrapper.module.modules()]
        wrapper.module.train(training is not False)
        try:
            return torch.func.functional_call(wrapper.module, tensors, args, options)
        finally:
            for part, mode in modes:
                part.training = mode

    return call
