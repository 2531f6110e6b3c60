"""Names for what the numerical core passes around."""

from typing import Any, TypeAlias

Array: TypeAlias = Any
"""A tensor of the active backend, or anything that converts to one."""

Weights: TypeAlias = list[Array]
"""One array per trainable weight, in Keras's own order and layouts."""

State: TypeAlias = list[Array]
"""One array per non-trainable variable: batch-norm statistics, seed generators."""

Data: TypeAlias = Any
"""All inputs and targets of a data set, as tensors of the backend; a batch is a set of indices into it."""

Cell: TypeAlias = dict[str, Array]
"""Some cells of the grid of (perturbation, batch): "examples" (size, m), "batch" (size,), "draw" (size,)."""
