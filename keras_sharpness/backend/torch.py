"""PyTorch: `torch.func` on functions of plain tensors, run eagerly."""

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from keras import ops

LOOPS_CONVOLUTIONS = True
# `torch.func.vmap` cannot map a convolution on channels last, Keras's default.
VECTORIZES_CONVOLUTIONS = False


def value_and_grad(fn: Callable, has_aux: bool = False) -> Callable:
    """See the package."""
    transformed = torch.func.grad_and_value(fn, has_aux=has_aux)

    def wrapped(weights: list, *args: Any) -> tuple:
        gradient, output = transformed(weights, *args)
        return output, gradient

    return wrapped


def hvp(fn: Callable) -> Callable:
    """See the package. Reverse over reverse mode: not every operation has a forward derivative."""

    def wrapped(point: list, direction: list) -> list:
        pull = torch.func.vjp(torch.func.grad(fn), point)[1]
        return pull(direction)[0]

    return wrapped


def compile(fn: Callable) -> Callable:
    """See the package. PyTorch runs eagerly; gradients come from `torch.func` alone, so autograd records nothing."""
    return torch.no_grad()(fn)


def outline(fn: Callable, *args: Any) -> Any:
    """See the package. Without a compiler there is nothing to trace."""
    with torch.no_grad(), repeatable():
        return fn(*args)


def vectorize(fn: Callable, in_axes: tuple) -> Callable:
    """See the package."""
    return torch.func.vmap(fn, in_dims=in_axes, randomness="different")


@contextlib.contextmanager
def repeatable() -> Iterator[None]:
    """See the package. Keras's dropout on PyTorch ignores its seed and draws from the global generator."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def sparse_product(matrix: np.ndarray) -> Callable:
    """See the package."""
    return _product(_csr(matrix), _csr(matrix.T))


def _product(matrix: torch.Tensor, transposed: torch.Tensor) -> Callable:
    class Product(torch.autograd.Function):
        @staticmethod
        def forward(dense: torch.Tensor) -> torch.Tensor:
            return matrix @ dense

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple, output: torch.Tensor) -> None:
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


def devices() -> list[str]:
    """See the package."""
    return [f"cuda:{i}" for i in range(torch.cuda.device_count())] or ["cpu"]


def on_accelerator() -> bool:
    """See the package."""
    return torch.cuda.is_available()


def workers() -> int:
    """See the package."""
    return (os.cpu_count() or 1) if torch.get_num_threads() == 1 else 1


def use_one_thread_per_operation() -> None:
    """See the package."""
    torch.set_num_threads(1)
