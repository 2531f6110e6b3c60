"""JAX: its own transformations, as they are."""

import contextlib
import functools
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

# XLA has a fast convolution for the CPU, but not inside a loop: there it takes more than ten times as long.
LOOPS_CONVOLUTIONS = False
# Its loops hold several copies of what they carry: in an ascent of `PGA`, memory of eight models, a step alone of four.
LOOPS_IN_PLACE = False
VECTORIZES_CONVOLUTIONS = True
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def value_and_grad(fn: Callable[..., Any], has_aux: bool = False) -> Callable[..., Any]:
    return jax.value_and_grad(fn, has_aux=has_aux)


def training_gradient(fn: Callable[..., Any]) -> Callable[..., Any]:
    return jax.value_and_grad(fn, has_aux=True)


def hvp(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Forward over reverse mode."""
    return lambda point, direction: jax.jvp(jax.grad(fn), (point,), (direction,))[1]


def jvp(fn: Callable[..., Any]) -> Callable[..., Any]:
    return lambda point, direction: jax.jvp(fn, (point,), (direction,))


def vjp(fn: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(point: list[Any], cotangent: Any) -> tuple[Any, ...]:
        value, pull = jax.vjp(fn, point)
        return value, pull(cotangent)[0]

    return wrapped


def compile(
    fn: Callable[..., Any], varying: Mapping[int, tuple[int, ...]] | None = None, spent: tuple[int, ...] = ()
) -> Callable[..., Any]:
    """XLA compiles for fixed shapes only."""
    del varying
    return jax.jit(fn, donate_argnums=spent, compiler_options=_frugal() if spent else None)


@functools.cache
def _frugal() -> dict[str, str] | None:
    """Returns options by which XLA does not begin early what could wait; None where it has none."""
    options = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}
    if on_accelerator():
        return None
    with contextlib.suppress(jax.errors.JaxRuntimeError):
        jax.jit(lambda: 0, compiler_options=options)()
        return options
    return None


def choose(condition: Any, a: list[Any], b: list[Any]) -> list[Any]:
    return [jnp.where(condition, x, y) for x, y in zip(a, b, strict=True)]


def after(structure: Any) -> contextlib.AbstractContextManager[None]:
    """XLA orders operations itself, with an eye on memory."""
    return contextlib.nullcontext()


def outline(fn: Callable[..., Any], *args: Any) -> Any:
    return jax.eval_shape(fn, *args)


def vectorize(fn: Callable[..., Any], in_axes: tuple[Any, ...]) -> Callable[..., Any]:
    return jax.vmap(fn, in_axes=in_axes)


def scan(
    step: Callable[..., Any], carry: Any, xs: Any = None, length: int | None = None, outputs: Any = None
) -> tuple[Any, Any]:
    return jax.lax.scan(step, carry, xs, length=length)


def sparse_product(matrix: np.ndarray) -> Callable[..., Any]:
    """XLA gathers and scatters a row at a time: on a CPU its dense product is faster."""
    constant = jnp.asarray(matrix)
    return lambda dense: constant @ dense


def repeatable() -> contextlib.AbstractContextManager[None]:
    """JAX has no global generator."""
    return contextlib.nullcontext()


def replay() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """JAX has no global generator."""
    return contextlib.nullcontext


def unrecorded() -> contextlib.AbstractContextManager[None]:
    """Nothing is recorded."""
    return contextlib.nullcontext()


def num_replicas() -> int:
    """Arrays that are shared out over devices are one array to a program."""
    return 1


def sum_over_replicas(arrays: list[Any]) -> list[Any]:
    return arrays


def in_scope(layers: Iterable[keras.Layer], values: Mapping[int, Any]) -> contextlib.AbstractContextManager[None]:
    """Every layer reads its variables from Keras's scope."""
    return contextlib.nullcontext()


def use_one_thread_per_operation() -> None:
    """XLA reads its flags when the first computation runs."""
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {ONE_THREAD}".strip()


def workers() -> int:
    return (os.cpu_count() or 1) if ONE_THREAD in os.environ.get("XLA_FLAGS", "") else 1


def devices() -> list[str]:
    return [str(device) for device in jax.devices()]


def on_accelerator() -> bool:
    return jax.default_backend() != "cpu"
