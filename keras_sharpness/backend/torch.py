"""PyTorch: `torch.func` on functions of plain tensors, run eagerly."""

from collections.abc import Callable
from typing import Any

import torch
from keras import tree


def value_and_grad(fn: Callable, has_aux: bool = False) -> Callable:
    """See the package."""
    transformed = torch.func.grad_and_value(fn, has_aux=has_aux)

    def wrapped(weights: list, *args: Any) -> tuple:
        gradient, output = transformed(weights, *args)
        return output, gradient

    return wrapped


def compile(fn: Callable) -> Callable:
    """See the package. PyTorch runs eagerly; gradients come from `torch.func` alone, so autograd records nothing."""
    return torch.no_grad()(fn)


def vectorize(fn: Callable, in_axes: tuple) -> Callable:
    """See the package."""
    return torch.func.vmap(fn, in_dims=in_axes)


def scan(step: Callable, carry: Any, xs: Any = None, length: int | None = None) -> tuple:
    """See the package."""
    size = (length or 0) if xs is None else len(tree.flatten(xs)[0])
    outputs = []
    for i in range(size):
        carry, y = step(carry, None if xs is None else tree.map_structure(lambda a, i=i: a[i], xs))
        outputs.append(y)
    return carry, torch.stack(outputs)


def devices() -> list[str]:
    """See the package."""
    return [f"cuda:{i}" for i in range(torch.cuda.device_count())] or ["cpu"]


def use_one_thread_per_operation() -> None:
    """See the package."""
    torch.set_num_threads(1)
