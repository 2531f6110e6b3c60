"""Which entry of a PyTorch state dict belongs to which layer, by order and shape.

What a module is called is each program's own, so that only the ends of the names count ("weight", "running_mean"). Each
module goes to the first layer that is still free and has the same entries in the same shapes.
"""

import collections
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping

from keras import layers

from keras_sharpness.errors import require
from keras_sharpness.models.graph_attention import GraphAttention
from keras_sharpness.models.torch_layouts import PARAMETER, Entry, Module

Shapes = Mapping[str, tuple[int, ...] | None]
"""Shapes by name; None where only the name is known."""

# How many batches a normalization has seen, which Keras does not count.
COUNTER = "num_batches_tracked"
# Lists of modules, as PyTorch Geometric's models call them.
_LISTS = (
    (layers.Dense, "lins"),
    ((layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization), "norms"),
    (layers.Embedding, "embeddings"),
    (layers.MultiHeadAttention, "attentions"),
    ((layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, GraphAttention), "convs"),
)
_ENDS = ("weight", "bias", "running_mean", "running_var")
# Modules whose entries have modules of their own: the end that shows one, and its other ends.
_NESTED = {
    "att_src": ("att_dst", "bias", "lin.weight", "lin_src.weight", "lin_dst.weight"),
    "in_proj_weight": ("in_proj_bias", "out_proj.weight", "out_proj.bias"),
    "q_proj_weight": ("k_proj_weight", "v_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"),
}
# What an entry of a module's must be called for it to be an attention, a normalization, or a convolution or dense.
_MARKS = ("att_src", "out_proj.weight", "running_mean", "weight")


def has_packed_attention(names: Iterable[str]) -> bool:
    """Returns whether attentions in a state dict are modules of PyTorch's own kind."""
    return any(_end(name) in ("in_proj_weight", "q_proj_weight") for name in names)


def default(modules: Iterable[Module]) -> Iterator[str]:
    """Yields names for the entries of modules.

    Args:
        modules: The modules in order.
    """
    counts = collections.Counter[str]()
    for module in modules:
        kind = next((name for kinds, name in _LISTS if isinstance(module.layer, kinds)), "parameters")
        counter = [COUNTER] if "running_mean" in module.entries else []
        name = f"{kind}.{counts[kind]}"
        yield from (name if end == PARAMETER else f"{name}.{end}" for end in [*module.entries, *counter])
        counts[kind] += 1


def match(modules: Iterable[Module], shapes: Shapes) -> dict[str, Entry]:
    """Returns the entry that each name stands for, counters left out.

    Args:
        modules: The modules of a model in order.
        shapes: The state dict's names in its order.

    Raises:
        InputError: If the names do not fit the modules. Shapes that do not fit are left to the caller.
    """
    free, left = list(modules), []
    found: dict[str, Entry] = {}
    for ends in _by_module(shapes):
        module = next((module for module in free if _fits(module, ends, shapes)), None)
        if module is None:
            left.append(ends)
        else:
            free.remove(module)
            found |= _pairs(module, ends)
    return found | _match_the_rest(free, left)


def _match_the_rest(modules: list[Module], theirs: list[dict[str, list[str]]]) -> dict[str, Entry]:
    """Returns pairs of which only the shapes differ, and refuses all others."""
    found: dict[str, Entry] = {}
    for mark in (*_MARKS, None):
        pairs = itertools.zip_longest(
            (module for module in modules if _mark(module.entries) == mark),
            (ends for ends in theirs if _mark(ends) == mark),
        )
        for module, ends in pairs:
            received = ", ".join(itertools.chain(*ends.values())) if ends else "none"
            require(module is not None, "Each entry must belong to a layer of the model", entries=received)
            wanted = ", ".join(f"{end} {entry.shape}" for end, entry in module.entries.items())
            fits = ends is not None and ends.keys() == module.entries.keys()
            require(fits, f"Layer {module.layer.name!r} must have the entries {wanted}", entries=received)
            found |= _pairs(module, ends)
    return found


def _fits(module: Module, ends: dict[str, list[str]], shapes: Shapes) -> bool:
    return ends.keys() == module.entries.keys() and all(
        shapes[name] in (None, module.entries[end].shape) for end, names in ends.items() for name in names
    )


def _pairs(module: Module, ends: dict[str, list[str]]) -> dict[str, Entry]:
    return {name: module.entries[end] for end, names in ends.items() for name in names}


def _by_module(names: Iterable[str]) -> Iterable[dict[str, list[str]]]:
    """Returns the names of each module in a state dict by their ends; an attention's shared kernel may have two."""
    names = [name for name in names if _end(name) != COUNTER]
    nested = {
        name.removesuffix(mark) + end: name.removesuffix(mark)
        for mark, ends in _NESTED.items()
        for name in names
        if _end(name) == mark
        for end in (mark, *ends)
    }
    modules: dict[str, dict[str, list[str]]] = {}
    for name in names:
        if name in nested:
            home = nested[name]
            end = re.sub(r"^lin_(src|dst)\.", "lin.", name.removeprefix(home))
        else:
            home, end = (name.removesuffix(_end(name)), _end(name)) if _end(name) in _ENDS else (name, PARAMETER)
        modules.setdefault(home, {}).setdefault(end, []).append(name)
    return modules.values()


def _end(name: str) -> str:
    return name.rpartition(".")[2]


def _mark(ends: Iterable[str]) -> str | None:
    return next((mark for mark in _MARKS if mark in ends), None)
