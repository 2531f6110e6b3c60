"""The layers with weights of a network, with batch normalization folded into them.

In inference mode, batch normalization is affine: a scale and a shift of each channel. Next to a layer with weights it
is a part of that layer. Norms are then those of the function that the network computes.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_sharpness.backend.internals import producer
from keras_sharpness.errors import InputError, require
from keras_sharpness.execution.compiled import is_keras

DENSE = (layers.Dense,)
CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
WEIGHTED: tuple[type[keras.Layer], ...] = (*DENSE, *CONVOLUTIONS, *DEPTHWISE)
ACTIVATIONS = (layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Softmax)
# They do nothing in inference mode.
TRANSPARENT = (
    *(layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D),
    *(layers.GaussianDropout, layers.GaussianNoise, layers.ActivityRegularization, layers.Identity),
)
# What is done to the data before the network proper.
PREPROCESSING = (layers.Rescaling, layers.Normalization)
# Without weights, and of norm one or nearly so.
PASSING = (
    *(layers.InputLayer, layers.Flatten, layers.Reshape, layers.Permute, layers.RepeatVector),
    *(layers.Add, layers.Average, layers.Concatenate),
    *(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D),
    *(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D),
    *(layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D),
    *(layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D),
    *(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D),
    *(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D),
    *(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D),
)
OPERATIONS = ("Add", "Concatenate", "ExpandDims", "Mean", "Pad", "Relu", "Reshape", "Squeeze", "Transpose")
NAMES = "dense, convolutions, batch normalization, activations, pooling, dropout, padding, reshaping, sums"


@dataclasses.dataclass(frozen=True)
class Site:
    """A layer with weights, and the batch normalizations that are folded into it.

    Attributes:
        layer: The layer.
        before: Normalization of its inputs.
        after: Normalization of its outputs.
    """

    layer: Any
    before: Any = None
    after: Any = None


@dataclasses.dataclass(frozen=True, eq=False)
class FoldedLayer:
    """A layer with weights as one affine map.

    Attributes:
        name: Name of the layer.
        kernel: float64, in Keras's layout: inputs and outputs are the last two axes. Depthwise: inputs and outputs of
            each input.
        bias: float64, an entry for each output.
        depthwise: Whether each input has outputs of its own.
        sizes: Width of the input along each spatial axis; empty for dense layers, None where it is not known.
        strides: Strides along these axes.
        dilation: Dilation along these axes.
        groups: Groups of inputs with outputs of their own.
    """

    name: str
    kernel: np.ndarray
    bias: np.ndarray
    depthwise: bool = False
    sizes: tuple[int | None, ...] = ()
    strides: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    groups: int = 1

    def minus(self, other: "FoldedLayer") -> "FoldedLayer":
        """Returns the layer of the differences of the weights."""
        return dataclasses.replace(self, kernel=self.kernel - other.kernel, bias=self.bias - other.bias)

    @property
    def matrix(self) -> np.ndarray:
        """The kernel as a matrix, its rows the outputs, its columns all taps of all inputs."""
        outputs = 2 if self.depthwise else 1
        return self.kernel.reshape(-1, int(np.prod(self.kernel.shape[-outputs:]))).T


def sites(model: keras.Model) -> list[Site]:
    """Finds the layers with weights, and which of them each batch normalization is folded into.

    It goes into the layer that it follows, if that has no activation and no other reader. Otherwise it goes into the
    only layer that reads it, unless that pads its inputs.

    Args:
        model: The model.

    Returns:
        The layers, in the order of the model's layers.

    Raises:
        InputError: If the model is subclassed, or a layer is of another kind or cannot be folded; names the layer.
    """
    found = [site for level in _levels(model) for site in _Level(level).sites()]
    require(bool(found), "`model` must have a dense or convolutional layer", model=model.name)
    return found


def fold(site: Site, value_of: Callable[[keras.Variable], np.ndarray]) -> FoldedLayer:
    """Folds the normalizations of a layer into its weights.

    Args:
        site: The layer.
        value_of: From a variable to its value.

    Returns:
        The layer that computes what it and its normalizations compute in inference mode.
    """
    layer = site.layer
    kernel = np.asarray(value_of(layer.kernel), np.float64)
    depthwise = isinstance(layer, DEPTHWISE)
    outputs = int(np.prod(kernel.shape[-2:])) if depthwise else kernel.shape[-1]
    bias = np.asarray(value_of(layer.bias), np.float64) if layer.use_bias else np.zeros(outputs)
    if site.before is not None:
        scale, shift = (np.resize(part, kernel.shape[-2]) for part in _affine(site.before, value_of))
        moved = shift[:, None] * kernel
        bias = bias + moved.sum(axis=tuple(range(kernel.ndim - (2 if depthwise else 1)))).ravel()
        kernel = scale[:, None] * kernel
    if site.after is not None:
        scale, shift = _affine(site.after, value_of)
        kernel = kernel * scale.reshape(kernel.shape[-2:] if depthwise else (-1,))
        bias = bias * scale + shift
    return FoldedLayer(layer.name, kernel, bias, depthwise, **_geometry(layer))


def fresh_statistics(layer_sites: list[Site]) -> dict[int, np.ndarray]:
    """Returns the moving mean 0 and variance 1 that normalizations have before training, by the variables' identity.

    Args:
        layer_sites: The layers.
    """
    normalizations = [n for site in layer_sites for n in (site.before, site.after) if n is not None]
    means = {id(n.moving_mean): np.zeros(n.moving_mean.shape) for n in normalizations}
    return means | {id(n.moving_variance): np.ones(n.moving_variance.shape) for n in normalizations}


def is_of(layer: Any, kinds: tuple[type, ...]) -> bool:
    """Returns whether a layer is of a kind that Keras or this package defines, and not a user's subclass of it.

    Args:
        layer: The layer.
        kinds: Classes of layers.
    """
    return isinstance(layer, kinds) and is_keras(type(layer))


def _levels(model: keras.Model) -> Iterator[keras.Model]:
    """Yields a model and the models inside it, each of which must be known layer by layer."""
    known = isinstance(model, keras.Sequential) or hasattr(model, "operations")
    require(known, "`model` must be Sequential or functional, so that its layers are known", model=model.name)
    yield model
    for part in _operations(model):
        if isinstance(part, keras.Model):
            yield from _levels(part)


def _operations(model: Any) -> list[Any]:
    return list(model.layers if isinstance(model, keras.Sequential) else model.operations)


class _Level:
    """The steps of a model, and who reads whom."""

    def __init__(self, model: keras.Model) -> None:
        self._steps = _operations(model)
        self._inputs: dict[int, list[Any]] = {}
        self._readers: dict[int, list[Any]] = defaultdict(list)
        for step in self._steps:
            if not isinstance(step, layers.InputLayer):
                self._inputs[id(step)] = [producer(tensor) for tensor in keras.tree.flatten(step.input)]
                for source in self._inputs[id(step)]:
                    self._readers[id(source)].append(step)

    def sites(self) -> list[Site]:
        """Returns the layers with weights."""
        for step in self._steps:
            _require_known(step)
        found = {id(step): Site(step) for step in self._steps if is_of(step, WEIGHTED)}
        for step in self._steps:
            if is_of(step, (layers.BatchNormalization,)):
                self._place(step, found)
        return list(found.values())

    def _place(self, normalization: Any, found: dict[int, Site]) -> None:
        """Gives a normalization to the layer that it is folded into.

        Raises:
            InputError: If there is no such layer.
        """
        source, target = self._source(normalization), self._target(normalization)
        if source is not None and found[id(source)].after is None:
            found[id(source)] = dataclasses.replace(found[id(source)], after=normalization)
        elif target is not None and found[id(target)].before is None:
            found[id(target)] = dataclasses.replace(found[id(target)], before=normalization)
        else:
            raise InputError(
                "batch normalization must directly follow a dense or convolutional layer, or be read by one only that "
                f"does not pad its inputs. Received: layer {normalization.name!r}"
            )

    def _source(self, step: Any) -> Any:
        """Returns the layer with weights whose outputs a normalization scales, or None."""
        while True:
            (previous, *others) = self._inputs[id(step)] or [None]
            if others or len(self._readers[id(previous)]) != 1:
                return None
            if is_of(previous, WEIGHTED):
                return previous if _is_linear(previous) else None
            if not _is_transparent(previous):
                return None
            step = previous

    def _target(self, step: Any) -> Any:
        """Returns the layer with weights that takes what a normalization scales, or None."""
        while True:
            readers = self._readers[id(step)]
            if len(readers) != 1:
                return None
            (step,) = readers
            if is_of(step, WEIGHTED):
                padded = getattr(step, "padding", "valid") != "valid"
                return None if padded or getattr(step, "groups", 1) > 1 else step
            if not (_is_transparent(step) or is_of(step, (layers.Flatten,))):
                return None


def _require_known(step: Any) -> None:
    kinds = (*WEIGHTED, layers.BatchNormalization, *ACTIVATIONS, *TRANSPARENT, *PREPROCESSING, *PASSING)
    known = isinstance(step, keras.Model) or is_of(step, kinds) or type(step).__name__ in OPERATIONS
    if not known:
        raise InputError(f"layers must be {NAMES}. Received: layer {step.name!r} ({type(step).__name__})")


def _is_linear(layer: Any) -> bool:
    return getattr(layer, "activation", None) in (None, keras.activations.linear)


def _is_transparent(step: Any) -> bool:
    return is_of(step, TRANSPARENT) or (is_of(step, (layers.Activation,)) and _is_linear(step))


def _affine(normalization: Any, value_of: Callable[[keras.Variable], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the scale and the shift of each channel, in inference mode."""
    mean, variance = (
        np.asarray(value_of(v), np.float64) for v in (normalization.moving_mean, normalization.moving_variance)
    )
    scale = 1 / np.sqrt(variance + normalization.epsilon)
    if normalization.scale:
        scale = scale * np.asarray(value_of(normalization.gamma), np.float64)
    shift = -mean * scale
    if normalization.center:
        shift = shift + np.asarray(value_of(normalization.beta), np.float64)
    return scale, shift


def _geometry(layer: Any) -> dict[str, Any]:
    if is_of(layer, DENSE):
        return {}
    shape = layer.input.shape
    sizes = shape[1:-1] if layer.data_format == "channels_last" else shape[2:]
    rank = len(sizes)
    return {
        "sizes": tuple(sizes),
        "strides": _of_rank(layer.strides, rank),
        "dilation": _of_rank(layer.dilation_rate, rank),
        "groups": getattr(layer, "groups", 1),
    }


def _of_rank(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)
