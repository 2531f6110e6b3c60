"""The parts of a batch that climb on their own: m-sharpness (arXiv:2010.01412, section 4.1)."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_sharpness import backend
from keras_sharpness.arrays import tree
from keras_sharpness.backend.internals import CONVOLUTIONS, flatten_layers
from keras_sharpness.errors import require
from keras_sharpness.training.passes import Batch
from keras_sharpness.typing import Array, Weights

REDUCTIONS = ("sum_over_batch_size", "mean", "sum")


def sum_over_parts(
    part_gradient: Callable[[Batch], Weights], batch: Batch, m: int, like: Weights, model: keras.Model
) -> Weights:
    """Returns the gradient of a batch from those of its parts of m examples; the last part may be smaller.

    Args:
        part_gradient: From a part to its share of the gradient; see `mix`.
        batch: The batch.
        m: Examples of a part.
        like: Arrays of the shapes and dtypes of the gradient.
        model: The model.
    """
    size = _size(batch)
    whole = size // m
    convolves = any(isinstance(layer, CONVOLUTIONS) for layer in flatten_layers(model))
    scan = backend.unrolled if convolves and not backend.LOOPS_CONVOLUTIONS else backend.scan
    leaves = [leaf for leaf in keras.tree.flatten(tuple(batch)) if leaf is not None]

    def add(total: Weights, part: list[Array]) -> Weights:
        return tree.add(total, part_gradient(_batch(part, batch)))

    def step(total: Weights, part: list[Array]) -> tuple[Weights, Array]:
        return add(total, part), ops.zeros(())

    stacked = [ops.reshape(leaf[: whole * m], (-1, m, *leaf.shape[1:])) for leaf in leaves]
    total, _ = scan(step, tree.zeros_like(like), stacked)
    rest = [leaf[whole * m :] for leaf in leaves]
    if isinstance(size, int):
        return add(total, rest) if size % m else total
    return ops.cond(size % m > 0, lambda: add(total, rest), lambda: total)


def mix(part: Batch, batch: Batch, model: keras.Model) -> tuple[Array, Array]:
    """Returns the shares of a part's loss, and of its penalties once more, in the loss of a batch.

    Means count by the sizes of the parts; sums add up, but the penalties in them are averaged.

    Args:
        part: A part of the batch.
        batch: The batch.
        model: The compiled model.
    """
    share = ops.cast(_size(part), "float32") / ops.cast(_size(batch), "float32")
    return (1.0, share - 1.0) if adds_up(model) else (share, 0.0)


def adds_up(model: keras.Model) -> bool:
    """Returns whether the losses of a model are sums over examples, not means.

    Args:
        model: The compiled model.

    Raises:
        InputError: If they are neither, or some are sums and others means.
    """
    losses = [loss for loss in keras.tree.flatten(model.loss) if loss is not None]
    reductions = {getattr(loss, "reduction", "sum_over_batch_size") for loss in losses}
    known = reductions <= set(REDUCTIONS) and (reductions == {"sum"} or "sum" not in reductions)
    require(known, "`m` must be None unless all losses are means over examples, or all sums", reductions=reductions)
    return reductions == {"sum"}


def _size(batch: Batch) -> Any:
    first = next(leaf for leaf in keras.tree.flatten(batch.x) if leaf is not None)
    return ops.shape(first)[0]


def _batch(leaves: list[Array], like: Batch) -> Batch:
    """Returns the batch of some leaves, None where another batch has None."""
    remaining = iter(leaves)
    flat = [None if leaf is None else next(remaining) for leaf in keras.tree.flatten(tuple(like))]
    return Batch(*keras.tree.pack_sequence_as(tuple(like), flat))
