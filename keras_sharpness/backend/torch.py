"""PyTorch: `torch.func` on functions of plain tensors, run eagerly."""

import contextlib
import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import torch
from keras import ops
from torch.nn.attention import SDPBackend, sdpa_kernel

from keras_sharpness.backend import torch_autograd, torch_modules
from keras_sharpness.backend.loops import unrolled
from keras_sharpness.backend.mapping import is_mapping, within_map

LOOPS_CONVOLUTIONS = True
LOOPS_IN_PLACE = True
# `torch.func.vmap` cannot map a convolution on channels last, Keras's default.
VECTORIZES_CONVOLUTIONS = False
# Held while the global generator is seeded, so that no other thread draws from it.
_drawing = threading.RLock()

# PyTorch runs eagerly: a Python loop is its scan.
scan = unrolled


def value_and_grad(fn: Callable[..., Any], has_aux: bool = False) -> Callable[..., Any]:
    """By autograd, but inside `vectorize`.

    `torch.func` records the backward pass for further derivatives: a call on ResNet-20 took 18 % longer.
    """
    plain, transformed = torch_autograd.value_and_grad(fn, has_aux), torch.func.grad_and_value(fn, has_aux=has_aux)

    def wrapped(weights: list[Any], *args: Any) -> tuple[Any, ...]:
        if not is_mapping():
            return plain(weights, *args)
        gradient, output = transformed(weights, *args)
        return output, gradient

    return wrapped


def training_gradient(fn: Callable[..., Any]) -> Callable[..., Any]:
    return torch_autograd.training_gradient(fn)


def hvp(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Reverse over reverse mode: not every operation has a forward derivative."""

    def wrapped(point: list[Any], direction: list[Any]) -> list[Any]:
        with _twice_differentiable():
            pull = torch.func.vjp(torch.func.grad(fn), point)[1]
            return pull(direction)[0]

    # Not plainly: within a custom gradient, autograd would take for constant what the forward pass computed.
    return wrapped


def jvp(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Reverse over reverse mode too: u -> J'u is linear, wherever it is taken, and its transpose is J."""

    def wrapped(point: list[Any], direction: list[Any]) -> tuple[Any, ...]:
        with _twice_differentiable():
            value, pull = torch.func.vjp(fn, point)[:2]
            transposed = torch.func.vjp(pull, keras.tree.map_structure(torch.zeros_like, value))[1]
            return value, transposed((direction,))[0]

    return _or_plainly(wrapped, torch_autograd.jvp(fn))


def vjp(fn: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(point: list[Any], cotangent: Any) -> tuple[Any, ...]:
        value, pull = torch.func.vjp(fn, point)[:2]
        return value, pull(cotangent)[0]

    return _or_plainly(wrapped, torch_autograd.vjp(fn))


def _or_plainly(transformed: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that takes derivatives by `torch.func`, and by autograd where that cannot.

    `keras.ops.custom_gradient` is an `autograd.Function` of the old form, which `torch.func` refuses.
    """

    def wrapped(*args: Any) -> Any:
        try:
            return transformed(*args)
        except RuntimeError as error:
            if "setup_context" not in str(error):
                raise
            return plain(*args)

    return wrapped


def _twice_differentiable() -> contextlib.AbstractContextManager[None]:
    """Has attention computed step by step: its fused form has no second derivative."""
    return sdpa_kernel(SDPBackend.MATH)


def compile(
    fn: Callable[..., Any], varying: Mapping[int, tuple[int, ...]] | None = None, spent: tuple[int, ...] = ()
) -> Callable[..., Any]:
    """PyTorch runs eagerly. All gradients come from `torch.func`, so autograd need not record anything."""
    del varying, spent
    return torch.no_grad()(fn)


def choose(condition: Any, a: list[Any], b: list[Any]) -> list[Any]:
    if is_mapping():
        return [torch.where(condition, x, y) for x, y in zip(a, b, strict=True)]
    return a if condition else b


def after(structure: Any) -> contextlib.AbstractContextManager[None]:
    """PyTorch runs in the order of the program."""
    return contextlib.nullcontext()


def outline(fn: Callable[..., Any], *args: Any) -> Any:
    """Without a compiler there is nothing to trace: the function is run."""
    with torch.no_grad(), repeatable():
        return fn(*args)


def vectorize(fn: Callable[..., Any], in_axes: tuple[Any, ...]) -> Callable[..., Any]:
    def marked(*args: Any) -> Any:
        with within_map():
            return fn(*args)

    return torch.func.vmap(marked, in_dims=in_axes, randomness="different")


@contextlib.contextmanager
def repeatable() -> Iterator[None]:
    """Keras's dropout on PyTorch ignores its seed and draws from the global generator, which all threads share."""
    with _drawing, torch.random.fork_rng():
        # `torch.manual_seed` formats the stack for devices that are not there, which takes longer than a small network.
        torch.default_generator.manual_seed(0)
        if torch.cuda.is_available():
            torch.cuda.manual_seed_all(0)
        yield


def replay() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Keras's dropout on PyTorch draws from the global generator."""
    state, on_devices = torch.get_rng_state(), torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []

    @contextlib.contextmanager
    def again() -> Iterator[None]:
        with torch.random.fork_rng():
            torch.set_rng_state(state)
            torch.cuda.set_rng_state_all(on_devices)
            yield

    return again


def unrecorded() -> contextlib.AbstractContextManager[None]:
    return torch.no_grad()


def num_replicas() -> int:
    """Processes of PyTorch share no step of `fit`."""
    return 1


def sum_over_replicas(arrays: list[Any]) -> list[Any]:
    return arrays


def in_scope(layers: Iterable[keras.Layer], values: Mapping[int, Any]) -> contextlib.AbstractContextManager[None]:
    """`keras.layers.TorchModuleWrapper` runs a PyTorch module, which reads its own parameters."""
    wrappers = [layer for layer in layers if isinstance(layer, keras.layers.TorchModuleWrapper)]
    return torch_modules.with_values(wrappers, values) if wrappers else contextlib.nullcontext()


def sparse_product(matrix: np.ndarray) -> Callable[..., Any]:
    return _product(_csr(matrix), _csr(matrix.T))


def _product(matrix: torch.Tensor, transposed: torch.Tensor) -> Callable[..., Any]:
    class Product(torch.autograd.Function):
        @staticmethod
        def forward(dense: torch.Tensor) -> torch.Tensor:
            return matrix @ dense

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
            pass

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            # Not the bare product: `torch.func` would look for the strides that a sparse matrix does not have.
            return _product(transposed, matrix)(gradient)

    return Product.apply


def _csr(matrix: np.ndarray) -> torch.Tensor:
    with warnings.catch_warnings():
        # "Sparse CSR tensor support is in beta state"
        warnings.simplefilter("ignore")
        return ops.convert_to_tensor(np.ascontiguousarray(matrix)).to_sparse_csr()


def use_one_thread_per_operation() -> None:
    torch.set_num_threads(1)


def workers() -> int:
    return (os.cpu_count() or 1) if torch.get_num_threads() == 1 else 1


def devices() -> list[str]:
    return [f"cuda:{i}" for i in range(torch.cuda.device_count())] or ["cpu"]


def on_accelerator() -> bool:
    return torch.cuda.is_available()
