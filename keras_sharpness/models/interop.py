"""Weights between Keras models and PyTorch state dicts.

A state dict is read by its order: the k-th normalization in it is that of the model's k-th, and so on for each kind of
module. Only the ends of the names count ("weight", "running_mean"), as what comes before them is each program's own.
"""

import collections
import dataclasses
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_sharpness.errors import InputError, require
from keras_sharpness.files.atomic import atomic_open
from keras_sharpness.models.graph_attention import GraphAttention
from keras_sharpness.objective.layers import ELEMENTWISE

StateDict = Mapping[str, Any]

# Lists of modules, as PyTorch Geometric's models call them.
_LISTS = {
    layers.Dense: "lins",
    layers.Conv2D: "convs",
    layers.BatchNormalization: "norms",
    GraphAttention: "convs",
}
# Layers without weights that keep the order of the channels.
_TRANSPARENT = (
    *ELEMENTWISE,
    *(layers.MaxPooling2D, layers.AveragePooling2D, layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D),
    *(layers.ZeroPadding2D, layers.Softmax),
)
# What an entry of a module's must be called for it to be an attention, a normalization, or a convolution or dense.
_MARKS = ("att_src", "running_mean", "weight")
# How many batches a normalization has seen, which Keras does not count.
_COUNTER = "num_batches_tracked"
# Index of an array's first axis that leaves it as it is.
_AS_IT_IS = slice(None)


def load_torch(model: keras.Model, state: str | os.PathLike[str] | StateDict) -> keras.Model:
    """Gives a model the weights of a PyTorch state dict.

    Args:
        model: Built Sequential or functional model, a chain of `Dense`, `Conv2D`, `BatchNormalization` and
            `GraphAttention` layers, with others that have no weights between them. Channels are last.
        state: Tensors or arrays by name in PyTorch's order and layouts, or a file of such tensors that `torch.save`
            wrote. No code that the file may hold is run.

    Returns:
        `model`, changed in place.

    Raises:
        InputError: If the file cannot be read safely, or an entry does not fit; the model is then as it was.
    """
    arrays = {str(name): _array(name, value) for name, value in _mapping(state).items()}
    values: dict[_Entry, np.ndarray] = {}
    for name, entry in _match(_modules(model), arrays).items():
        array = arrays[name]
        require(array.shape == entry.shape, f"`{name}` must have the shape {entry.shape}", shape=array.shape)
        same = np.array_equal(values.setdefault(entry, array), array, equal_nan=True)
        require(same, f"`{name}` must equal `lin_src.weight`: senders and receivers share their kernel")
    for entry, array in values.items():
        entry.variable.assign(entry.in_keras(array))
    return model


def to_torch(model: keras.Model, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Returns a model's weights as a PyTorch state dict.

    Args:
        model: As in `load_torch`.
        names: The state dict's names in its order, such as `module.state_dict()`; None: `lins.0.weight`,
            `convs.0.weight`, `norms.0.running_mean` and so on, which are also those of PyTorch Geometric's `GAT`.

    Returns:
        Arrays by name, in PyTorch's layouts.

    Raises:
        InputError: If the model has a layer of another kind, or the names do not fit it.
    """
    modules = _modules(model)
    names = list(_default_names(modules) if names is None else names)
    entries = _match(modules, names)
    return {name: entries[name].in_torch() if name in entries else np.zeros((), np.int64) for name in names}


def save_torch(model: keras.Model, path: str | os.PathLike[str], names: Iterable[str] | None = None) -> None:
    """Writes a model's weights to a file for `torch.load` and `module.load_state_dict`.

    Args:
        model: As in `load_torch`.
        path: The file; it appears whole or not at all.
        names: As in `to_torch`.

    Raises:
        InputError: As in `to_torch`, or if PyTorch is not installed.
    """
    torch = _torch()
    state = {name: torch.tensor(array) for name, array in to_torch(model, names).items()}
    with atomic_open(Path(path), "wb") as file:
        torch.save(state, file)


@dataclasses.dataclass(frozen=True, eq=False)
class _Entry:
    """A variable, and how its array is rearranged, number by number, into PyTorch's."""

    variable: keras.Variable
    rearrange: Callable[[np.ndarray], np.ndarray]

    @property
    def shape(self) -> tuple[int, ...]:
        return self._places().shape

    def in_torch(self) -> np.ndarray:
        return self.rearrange(ops.convert_to_numpy(self.variable))

    def in_keras(self, array: np.ndarray) -> np.ndarray:
        result = np.empty(array.size, array.dtype)
        result[self._places().ravel()] = array.ravel()
        return result.reshape(self.variable.shape)

    def _places(self) -> np.ndarray:
        """Returns where in the flat variable each number of PyTorch's array lies."""
        return self.rearrange(np.arange(np.prod(self.variable.shape, dtype=int)).reshape(self.variable.shape))


@dataclasses.dataclass(frozen=True)
class _Module:
    """A layer with weights, and its entries by the ends of their names in PyTorch."""

    layer: keras.Layer
    entries: dict[str, _Entry]


def _modules(model: keras.Model) -> list[_Module]:
    """Returns what stands for a model's layers with weights in PyTorch, in order."""
    modules: list[_Module] = []
    order: Any = _AS_IT_IS
    for layer in _chain(model):
        channels = getattr(layer, "data_format", "channels_last")
        require(channels == "channels_last", f"Layer {layer.name!r} must have its channels last", data_format=channels)
        if isinstance(layer, layers.Flatten):
            shape = layer.input.shape[1:]
            order = _channels_first(shape) if len(shape) == 3 else order
        elif isinstance(layer, tuple(_LISTS)):
            modules.append(_Module(layer, _entries(layer, order)))
            order = _AS_IT_IS if isinstance(layer, layers.Dense) else order
        else:
            known = ", ".join(kind.__name__ for kind in _LISTS)
            require(
                isinstance(layer, _TRANSPARENT),
                f"Layers must be {known}, or pass on channels as they are",
                layer=f"{layer.name} ({type(layer).__name__})",
            )
    return modules


def _chain(model: keras.Model) -> list[keras.Operation]:
    """Returns the steps of a model that takes one after the other; layers that merge are left to be refused."""
    steps: Any = model.layers if isinstance(model, keras.Sequential) else getattr(model, "operations", None)
    known = steps is not None and model.built
    require(known, "`model` must be Sequential or functional, and built", model=type(model).__name__)
    require(len(model.outputs) == 1, "`model` must have one output", outputs=len(model.outputs))
    return steps


def _channels_first(shape: tuple[int, int, int]) -> np.ndarray:
    """Returns where the features that PyTorch flattens from (channels, height, width) lie in Keras's."""
    return np.arange(np.prod(shape)).reshape(shape).transpose(2, 0, 1).ravel()


def _entries(layer: keras.Layer, order: Any) -> dict[str, _Entry]:
    """Returns a layer's entries; `order` says where PyTorch's input features lie in Keras's."""
    parts: dict[str, tuple[Any, Callable[..., Any]]]
    if isinstance(layer, layers.Dense):
        parts = {"weight": (layer.kernel, lambda w: w[order].T), "bias": (layer.bias, np.asarray)}
    elif isinstance(layer, layers.Conv2D):
        parts = {"weight": (layer.kernel, lambda w: w.transpose(3, 2, 0, 1)), "bias": (layer.bias, np.asarray)}
    elif isinstance(layer, layers.BatchNormalization):
        ends = ("weight", "bias", "running_mean", "running_var")
        variables = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
        parts = {end: (variable, lambda w: w[order]) for end, variable in zip(ends, variables, strict=True)}
    else:
        parts = {
            "att_src": (layer.sender_attention, lambda w: w[None]),
            "att_dst": (layer.receiver_attention, lambda w: w[None]),
            "bias": (layer.bias, np.asarray),
            "lin.weight": (layer.kernel, np.transpose),
        }
    return {end: _Entry(*part) for end, part in parts.items() if part[0] is not None}


def _default_names(modules: list[_Module]) -> Iterator[str]:
    counts = collections.Counter[str]()
    for module in modules:
        name = next(name for kind, name in _LISTS.items() if isinstance(module.layer, kind))
        counter = [_COUNTER] if isinstance(module.layer, layers.BatchNormalization) else []
        yield from (f"{name}.{counts[name]}.{end}" for end in [*module.entries, *counter])
        counts[name] += 1


def _match(modules: list[_Module], names: Iterable[str]) -> dict[str, _Entry]:
    """Returns the entry that each name stands for, counters left out."""
    theirs = _by_module(names)
    found: dict[str, _Entry] = {}
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
            found |= {name: module.entries[end] for end, names in ends.items() for name in names}
    return found


def _by_module(names: Iterable[str]) -> Iterable[dict[str, list[str]]]:
    """Returns the names of each module in a state dict by their ends; an attention's shared kernel may have two."""
    names = [name for name in names if _end(name) != _COUNTER]
    attentions = {name.removesuffix("att_src") for name in names if _end(name) == "att_src"}
    modules: dict[str, dict[str, list[str]]] = {}
    for name in names:
        home = next((home for home in attentions if name.startswith(home)), name.removesuffix(_end(name)))
        end = re.sub(r"^lin_(src|dst)\.", "lin.", name.removeprefix(home))
        modules.setdefault(home, {}).setdefault(end, []).append(name)
    return modules.values()


def _end(name: str) -> str:
    return name.rpartition(".")[2]


def _mark(ends: Iterable[str]) -> str | None:
    return next((mark for mark in _MARKS if mark in ends), None)


def _mapping(state: str | os.PathLike[str] | StateDict) -> StateDict:
    content = _read(Path(state)) if isinstance(state, str | os.PathLike) else state
    require(isinstance(content, Mapping), "A state dict must give arrays by name", type=type(content).__name__)
    return content


def _read(path: Path) -> Any:
    torch = _torch()
    require(path.is_file(), "`state` must be a file that exists", state=str(path))
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # Damaged files raise whatever the first wrong byte leads to.
        what = "A file of a state dict must be whole, and hold tensors by name and nothing else"
        raise InputError(f"{what}. Received: {path} ({type(error).__name__})") from None


def _array(name: str, value: Any) -> np.ndarray:
    require(hasattr(value, "shape"), f"`{name}` must be a tensor or an array", type=type(value).__name__)
    if hasattr(value, "detach"):
        # Wide enough for every type of PyTorch's, some of which NumPy does not have.
        value = value.detach().cpu().double()
    array = np.asarray(value)
    require(array.dtype.kind in "fiu", f"`{name}` must hold real numbers", dtype=str(array.dtype))
    return array


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise InputError("PyTorch must be installed for its files to be read or written.") from None
    return torch
