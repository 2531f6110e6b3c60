"""What a backend must offer beyond `keras.ops`."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import keras
import numpy as np


class Backend(Protocol):
    """The names that each of the modules `jax`, `tensorflow` and `torch` has.

    To add a backend, write a module with these names, called as `keras.config.backend()` is.

    Attributes:
        LOOPS_CONVOLUTIONS: Whether a convolution inside a compiled `scan` runs as fast as outside, on a CPU.
        LOOPS_IN_PLACE: Whether a compiled `scan` needs no more memory than its steps.
        VECTORIZES_CONVOLUTIONS: Whether `vectorize` can map over a convolution's filter.
    """

    LOOPS_CONVOLUTIONS: bool
    LOOPS_IN_PLACE: bool
    VECTORIZES_CONVOLUTIONS: bool

    def value_and_grad(self, fn: Callable[..., Any], has_aux: bool = False) -> Callable[..., Any]:
        """Returns the function that computes a loss and its gradient.

        Args:
            fn: From a list of arrays, and further arguments, to a scalar.
            has_aux: Whether `fn` returns (scalar, anything else) instead.

        Returns:
            From the same arguments to (what `fn` returns, the gradient with respect to the list). Arrays that the
            scalar does not depend on have gradients of zeros.
        """

    def training_gradient(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the function that computes a loss and its gradient as `fit` does: once, and for one derivative only.

        Args:
            fn: From a list of arrays to (scalar, anything else).

        Returns:
            From the list to (what `fn` returns, the gradient). Where the backend can tell, gradients of arrays that the
            scalar does not depend on are None, so that an optimizer leaves these arrays alone.
        """

    def hvp(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the function that multiplies by a Hessian.

        Args:
            fn: From a list of arrays to a scalar.

        Returns:
            From (point, direction), two such lists, to the Hessian at the point times the direction.
        """

    def jvp(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the function that multiplies by a Jacobian from the right.

        Args:
            fn: From a list of arrays to a structure of float arrays.

        Returns:
            From (point, direction), two such lists, to (value, the value's derivative in that direction). Arrays that
            do not depend on the point have derivatives of zeros.
        """

    def vjp(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the function that multiplies by a Jacobian from the left.

        Args:
            fn: From a list of arrays to a structure of float arrays.

        Returns:
            From (point, cotangent), a list and a structure as the value, to (value, gradient of the inner product of
            value and cotangent). Arrays that the value does not depend on have gradients of zeros.
        """

    def compile(
        self, fn: Callable[..., Any], varying: Mapping[int, tuple[int, ...]] | None = None, spent: tuple[int, ...] = ()
    ) -> Callable[..., Any]:
        """Returns the function, traced once for each combination of argument shapes.

        Args:
            fn: From structures of tensors to such a structure.
            varying: Places of arguments, and their axes whose lengths differ from call to call. Where the backend can,
                one trace serves all of them.
            spent: Places of arguments that the caller does not use again. Where the backend can, results take their
                memory.
        """

    def choose(self, condition: Any, a: list[Any], b: list[Any]) -> list[Any]:
        """Returns a where a scalar condition holds, else b; without a copy where the backend can.

        Args:
            condition: The condition.
            a: A list of tensors.
            b: Others of the same shapes and dtypes.
        """

    def after(self, structure: Any) -> AbstractContextManager[None]:
        """Returns a context whose operations begin when a structure of tensors has been computed.

        Compiled functions may else begin early, and so hold the memory of both at once.

        Args:
            structure: The tensors.
        """

    def outline(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Returns what a function would return, for its structure, shapes and dtypes.

        Args:
            fn: A function of structures of tensors. It is traced, or run, but not compiled.
            *args: Its arguments.
        """

    def vectorize(self, fn: Callable[..., Any], in_axes: tuple[Any, ...]) -> Callable[..., Any]:
        """Returns the function mapped over the leading axis of its arguments.

        Args:
            fn: The function of one element.
            in_axes: For each argument 0, or None if all elements share it.
        """

    def scan(
        self, step: Callable[..., Any], carry: Any, xs: Any = None, length: int | None = None, outputs: Any = None
    ) -> tuple[Any, Any]:
        """Threads a carry through steps and stacks what they return. For use inside compiled functions.

        Args:
            step: From (carry, x) to (carry, y), where y is a structure of tensors.
            carry: The first carry, a structure of tensors.
            xs: A structure of tensors; step i gets element i of their leading axes. None: every x is None.
            length: Number of steps if `xs` is None.
            outputs: The structure of y with the name of a dtype for each tensor, since TensorFlow needs to know before
                the loop begins. None: y is one tensor of Keras's float type.

        Returns:
            The last carry, and the structure of y with each tensor stacked along a new leading axis.
        """

    def sparse_product(self, matrix: np.ndarray) -> Callable[..., Any]:
        """Returns the differentiable function that multiplies a matrix by a dense one.

        Args:
            matrix: Shape (n, k), mostly zeros.

        Returns:
            From a tensor of shape (k, width) to the product, shape (n, width).
        """

    def repeatable(self) -> AbstractContextManager[None]:
        """Returns a context in which layers that draw from the backend's global generator draw the same each time.

        The generator is left as it was.
        """

    def replay(self) -> Callable[[], AbstractContextManager[None]]:
        """Remembers the backend's global generator.

        Returns:
            A context in which layers that draw from the generator draw what they draw after this call. The generator is
            left as it was before the context.
        """

    def unrecorded(self) -> AbstractContextManager[None]:
        """Returns a context in which variables may be assigned although they have gradients."""

    def num_replicas(self) -> int:
        """Returns how many replicas of a `tf.distribute.Strategy` compute the present step."""

    def sum_over_replicas(self, arrays: list[Any]) -> list[Any]:
        """Returns the sums of arrays over these replicas, on each of them.

        Args:
            arrays: The arrays of this replica.
        """

    def in_scope(self, layers: Iterable[keras.Layer], values: Mapping[int, Any]) -> AbstractContextManager[None]:
        """Returns a context in which layers that Keras's stateless scope does not reach compute with given values.

        Args:
            layers: Layers, those inside other layers too.
            values: A tensor for each variable, by the identity of the variable.
        """

    def use_one_thread_per_operation(self) -> None:
        """Prepares for work that itself runs in threads. To be called before the first operation."""

    def workers(self) -> int:
        """Returns how many threads of such work keep the cores busy: 1 unless operations have one thread each."""

    def devices(self) -> list[str]:
        """Returns the names of the devices in use."""

    def on_accelerator(self) -> bool:
        """Returns whether these are more than the CPU."""
