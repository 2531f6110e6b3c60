"""What Keras's layers are called in PyTorch, and how their arrays lie there.

PyTorch keeps kernels as (outputs, inputs, height, width), flattens (channels, height, width), and puts the three input
kernels of an attention on top of each other.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_sharpness.backend.internals import flatten_layers, producers
from keras_sharpness.errors import require
from keras_sharpness.models.graph_attention import GraphAttention
from keras_sharpness.objective.layers import ELEMENTWISE

# Layers with weights in a chain. The other kinds merge several inputs or say nothing of the order of their features.
_CHAINED = (
    *(layers.Dense, layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Embedding),
    *(layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization, GraphAttention),
)
# Layers without weights that keep the order of the channels.
_TRANSPARENT = (
    *ELEMENTWISE,
    *(layers.MaxPooling2D, layers.AveragePooling2D, layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D),
    *(layers.ZeroPadding2D, layers.Softmax, layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D),
)
# Index of an array's first axis that leaves it as it is.
_AS_IT_IS = slice(None)
# The one entry of a module that is a bare array, which has no name of its own.
PARAMETER = "parameter"


@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
    """Variables, and how their arrays are rearranged, number by number, into one of PyTorch's."""

    variables: tuple[keras.Variable, ...]
    rearrange: Callable[..., np.ndarray]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of PyTorch's array."""
        return self._places().shape

    def in_torch(self) -> np.ndarray:
        """Returns PyTorch's array."""
        return self.rearrange(*map(ops.convert_to_numpy, self.variables))

    def assign(self, array: np.ndarray) -> None:
        """Gives the variables the numbers of PyTorch's array."""
        flat = np.empty(array.size, array.dtype)
        flat[self._places().ravel()] = array.ravel()
        start = 0
        for variable in self.variables:
            size = int(np.prod(variable.shape))
            variable.assign(flat[start : start + size].reshape(variable.shape))
            start += size

    def _places(self) -> np.ndarray:
        """Returns where in the flat variables, one after the other, each number of PyTorch's array lies."""
        sizes = [int(np.prod(variable.shape)) for variable in self.variables]
        places = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
        return self.rearrange(*(p.reshape(v.shape) for p, v in zip(places, self.variables, strict=True)))


@dataclasses.dataclass(frozen=True)
class Module:
    """A layer with weights or a part of one, and its entries by the ends of their names in PyTorch."""

    layer: keras.Layer
    entries: dict[str, Entry]


def chain(model: keras.Model) -> list[Any]:
    """Returns the steps of a model that takes one after the other.

    Raises:
        InputError: If the model is not Sequential or functional, or has a layer of which the order may be doubtful.
    """
    steps: Any = model.layers if isinstance(model, keras.Sequential) else getattr(model, "operations", None)
    known = steps is not None and model.built
    require(known, "`model` must be Sequential or functional, and built", model=type(model).__name__)
    require(len(model.outputs) == 1, "`model` must have one output", outputs=len(model.outputs))
    names = ", ".join(kind.__name__ for kind in _CHAINED)
    for step in steps:
        require(
            isinstance(step, (*_CHAINED, *_TRANSPARENT, layers.Flatten)),
            f"Unless outputs are checked, layers must be {names}, or pass on channels as they are",
            layer=f"{step.name} ({type(step).__name__})",
        )
    return steps


def orders(model: keras.Model) -> Iterator[list[Any]]:
    """Yields the orders in which someone may have written the layers of a model down in PyTorch, likely ones first.

    Where a model branches, the order of its layers is a matter of taste.

    Args:
        model: The model, of any kind.

    Raises:
        InputError: If the model is not built.
    """
    require(model.built, "`model` must be built", model=type(model).__name__)
    yield list(_walk(model))
    for backwards in (False, True) if hasattr(model, "operations") else ():
        yield [layer for step in producers(model, backwards) for layer in _walk(step)]


def _walk(step: Any) -> Iterator[Any]:
    """Yields the layers inside a layer, and itself where it has weights of its own or is of a known kind."""
    if isinstance(step, (*_CHAINED, layers.MultiHeadAttention, layers.Flatten)):
        yield step
    elif isinstance(step, keras.Layer):
        if not isinstance(step, keras.Model):
            yield step
        for part in _inside(step):
            yield from _walk(part)


def _inside(layer: keras.Layer) -> list[Any]:
    """Returns the layers of a model in the order of their calls where that is known, and else as they were assigned."""
    if isinstance(layer, keras.Sequential):
        return layer.layers
    return getattr(layer, "operations", None) or flatten_layers(layer, recursive=False)


def modules(steps: Iterable[Any], packed: bool) -> list[Module]:
    """Returns what stands for layers in PyTorch, in order.

    Args:
        steps: The layers.
        packed: Whether an attention is one `MultiheadAttention`; otherwise, four `Linear` for query, key, value and
            output.

    Raises:
        InputError: If a layer has its channels first.
    """
    found: list[Module] = []
    order: Any = _AS_IT_IS
    for layer in steps:
        channels = getattr(layer, "data_format", "channels_last")
        require(channels == "channels_last", f"Layer {layer.name!r} must have its channels last", data_format=channels)
        if isinstance(layer, layers.Flatten):
            shape = layer.input.shape[1:]
            order = _channels_first(shape) if len(shape) == 3 else order
        elif isinstance(layer, keras.Layer):
            parts = [
                {e: entry for e, entry in part.items() if entry.variables} for part in _parts(layer, order, packed)
            ]
            found += [Module(layer, part) for part in parts if part]
            order = _AS_IT_IS if isinstance(layer, layers.Dense) else order
    return found


def _channels_first(shape: tuple[int, int, int]) -> np.ndarray:
    """Returns where the features that PyTorch flattens from (channels, height, width) lie in Keras's."""
    return np.arange(np.prod(shape)).reshape(shape).transpose(2, 0, 1).ravel()


def _parts(layer: keras.Layer, order: Any, packed: bool) -> list[dict[str, Entry]]:
    """Returns the entries of each module of a layer; `order` says where PyTorch's input features lie in Keras's."""
    if isinstance(layer, layers.Dense):
        return [{"weight": _entry(layer.kernel, lambda w: w[order].T), "bias": _entry(layer.bias)}]
    if isinstance(layer, layers.Conv2D):
        return [{"weight": _entry(layer.kernel, _convolution), "bias": _entry(layer.bias)}]
    if isinstance(layer, layers.DepthwiseConv2D):
        return [{"weight": _entry(layer.kernel, _depthwise), "bias": _entry(layer.bias)}]
    if isinstance(layer, layers.SeparableConv2D):
        pointwise = {"weight": _entry(layer.pointwise_kernel, _convolution), "bias": _entry(layer.bias)}
        return [{"weight": _entry(layer.depthwise_kernel, _depthwise)}, pointwise]
    if isinstance(layer, layers.BatchNormalization | layers.LayerNormalization | layers.GroupNormalization):
        names = {"weight": "gamma", "bias": "beta"}
        if isinstance(layer, layers.BatchNormalization):
            names |= {"running_mean": "moving_mean", "running_var": "moving_variance"}
        return [{end: _entry(getattr(layer, name), lambda w: w[order]) for end, name in names.items()}]
    if isinstance(layer, layers.Embedding):
        return [{"weight": _entry(layer.embeddings)}]
    if isinstance(layer, layers.MultiHeadAttention):
        return _attention(layer, packed)
    if isinstance(layer, GraphAttention):
        roles = {"att_src": layer.sender_attention, "att_dst": layer.receiver_attention}
        vectors = {end: _entry(vector, lambda w: w[None]) for end, vector in roles.items()}
        return [{**vectors, "bias": _entry(layer.bias), "lin.weight": _entry(layer.kernel, np.transpose)}]
    inner = {id(v) for part in flatten_layers(layer) for v in part.weights}
    return [{PARAMETER: _entry(v)} for v in layer.weights if id(v) not in inner]


def _entry(variable: keras.Variable | None, rearrange: Callable[..., np.ndarray] = np.asarray) -> Entry:
    return Entry(() if variable is None else (variable,), rearrange)


def _convolution(kernel: np.ndarray) -> np.ndarray:
    return kernel.transpose(3, 2, 0, 1)


def _depthwise(kernel: np.ndarray) -> np.ndarray:
    # From (height, width, channels, multiplier) to (channels * multiplier, 1, height, width).
    return kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *kernel.shape[:2])


def _attention(layer: keras.Layer, packed: bool) -> list[dict[str, Entry]]:
    """Returns the entries of an attention; the heads' axis joins that of the features of a head."""
    inputs = {name: getattr(layer, f"{name}_dense") for name in ("query", "key", "value")}
    kernels, biases = [dense.kernel for dense in inputs.values()], [dense.bias for dense in inputs.values()]
    biases = [bias for bias in biases if bias is not None]
    out = {
        "weight": _entry(layer.output_dense.kernel, lambda w: w.reshape(-1, w.shape[-1]).T),
        "bias": _entry(layer.output_dense.bias),
    }
    if not packed:
        pairs = ({"weight": _entry(d.kernel, _joined), "bias": _entry(d.bias, np.ravel)} for d in inputs.values())
        return [*pairs, out]
    module = {f"out_proj.{end}": entry for end, entry in out.items()}
    module["in_proj_bias"] = Entry(tuple(biases), lambda *arrays: np.concatenate([a.ravel() for a in arrays]))
    if len({kernel.shape[0] for kernel in kernels}) == 1:
        module["in_proj_weight"] = Entry(tuple(kernels), lambda *arrays: np.concatenate([_joined(a) for a in arrays]))
    else:
        ends = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
        module |= {end: _entry(kernel, _joined) for end, kernel in zip(ends, kernels, strict=True)}
    return [module]


def _joined(kernel: np.ndarray) -> np.ndarray:
    return kernel.reshape(kernel.shape[0], -1).T
