"""Derivatives by PyTorch's plain autograd, for functions that `torch.func` cannot transform.

Each function is that of the same name in `backend.contract`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import torch


def value_and_grad(fn: Callable[..., Any], has_aux: bool = False) -> Callable[..., Any]:
    """Returns the function that computes a loss and its gradient."""

    def wrapped(weights: list[Any], *args: Any) -> tuple[Any, ...]:
        with torch.enable_grad():
            point = _leaves(weights)
            output = fn(point, *args)
            gradient = _pull([output[0] if has_aux else output], point, None)
        return keras.tree.map_structure(torch.detach, output), gradient

    return wrapped


def training_gradient(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function that computes a loss and its gradient as `fit` does."""

    def wrapped(weights: list[Any]) -> tuple[Any, list[Any]]:
        with torch.enable_grad():
            point = _leaves(weights)
            output = fn(point)
            gradient = torch.autograd.grad(output[0], point, allow_unused=True)
        return keras.tree.map_structure(_detached, output), [*gradient]

    return wrapped


def vjp(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function that multiplies by a Jacobian from the left."""

    def wrapped(point: list[Any], cotangent: Any) -> tuple[Any, ...]:
        with torch.enable_grad():
            point = _leaves(point)
            value = fn(point)
            gradient = _pull(keras.tree.flatten(value), point, keras.tree.flatten(cotangent))
        return keras.tree.map_structure(torch.detach, value), gradient

    return wrapped


def jvp(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function that multiplies by a Jacobian from the right: the transpose of the linear u -> J'u."""

    def wrapped(point: list[Any], direction: list[Any]) -> tuple[Any, ...]:
        with torch.enable_grad():
            point = _leaves(point)
            value = fn(point)
            leaves = keras.tree.flatten(value)
            cotangent = _leaves([torch.zeros_like(leaf) for leaf in leaves])
            pulled = _pull(leaves, point, cotangent, create_graph=True)
            moves = _pull(pulled, cotangent, direction)
        return keras.tree.map_structure(torch.detach, value), keras.tree.pack_sequence_as(value, moves)

    return wrapped


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else value


def _leaves(tensors: Sequence[Any]) -> list[Any]:
    return [tensor.detach().requires_grad_() for tensor in tensors]


def _pull(values: Sequence[Any], point: list[Any], cotangent: Sequence[Any] | None, **options: Any) -> list[Any]:
    """Returns the gradients of values, zero where they do not depend on the point."""
    cotangents = [None] * len(values) if cotangent is None else cotangent
    pairs = [(value, c) for value, c in zip(values, cotangents, strict=True) if value.requires_grad]
    if not pairs:
        return [torch.zeros_like(tensor) for tensor in point]
    outputs, weights = zip(*pairs, strict=True)
    return [*torch.autograd.grad(outputs, point, weights, allow_unused=True, materialize_grads=True, **options)]
