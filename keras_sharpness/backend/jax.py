"""JAX: its own transformations, as they are."""

import os
from collections.abc import Callable
from typing import Any

import jax

compile = jax.jit


def value_and_grad(fn: Callable, has_aux: bool = False) -> Callable:
    """See the package."""
    return jax.value_and_grad(fn, has_aux=has_aux)


def vectorize(fn: Callable, in_axes: tuple) -> Callable:
    """See the package."""
    return jax.vmap(fn, in_axes=in_axes)


def scan(step: Callable, carry: Any, xs: Any = None, length: int | None = None) -> tuple:
    """See the package."""
    return jax.lax.scan(step, carry, xs, length=length)


def devices() -> list[str]:
    """See the package."""
    return [str(device) for device in jax.devices()]


def use_one_thread_per_operation() -> None:
    """See the package. XLA reads its flags when the first computation runs."""
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
