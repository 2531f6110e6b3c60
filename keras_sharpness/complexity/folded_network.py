"""Networks with batch normalization folded in: one that computes the same, and one for the path norm."""

import copy
import weakref
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_sharpness import backend
from keras_sharpness.backend.internals import flatten_layers, rebuilt
from keras_sharpness.complexity.folding import (
    ACTIVATIONS,
    PREPROCESSING,
    TRANSPARENT,
    WEIGHTED,
    FoldedLayer,
    Site,
    is_of,
    sites,
)
from keras_sharpness.errors import require
from keras_sharpness.execution import compiled
from keras_sharpness.measures.sample import Sample
from keras_sharpness.typing import Array, Weights

_folded: "weakref.WeakKeyDictionary[Sample, tuple[Sample, list[Any]]]" = weakref.WeakKeyDictionary()


def is_normalized(model: keras.Model) -> bool:
    """Returns whether a model has batch normalization, so that its weights must be folded before they are measured.

    Args:
        model: The model.
    """
    return any(isinstance(layer, layers.BatchNormalization) for layer in flatten_layers(model))


def folded_sample(sample: Sample, folded: list[FoldedLayer]) -> Sample:
    """Returns a sample of the folded network, with the weights given: the sample itself without batch normalization.

    The network is made once for each sample, so that what is compiled of it serves all members of a pool.

    Args:
        sample: Model, loss and data.
        folded: The folded layers, as `folding.sites` orders them.
    """
    if not is_normalized(sample.model):
        return sample
    if sample not in _folded:
        _folded[sample] = _make_folded(sample)
    other, copies = _folded[sample]
    _assign(copies, folded)
    return other


def path_norm(model: keras.Model, layer_sites: list[Site], folded: list[FoldedLayer]) -> float:
    """Returns the sum over all paths of the product of their squared weights, paths that begin at a bias included.

    It is what the network without activations, of squared weights and biases, makes of an input of ones, summed over
    the outputs (Jiang et al. 2020, equation 44). A ReLU does nothing to numbers that are not negative.

    Args:
        model: The model.
        layer_sites: Its layers with weights.
        folded: The same, folded.

    Returns:
        The sum; infinite beyond 3e38, the largest float32.

    Raises:
        InputError: If the model has several inputs, or one of no fixed size.
    """
    run, shape = compiled.keep(model, ("path norm",), lambda: _PathNetwork(model, layer_sites))()
    with np.errstate(over="ignore"):
        weights = [np.square(part).astype("float32") for layer in folded for part in (layer.kernel, layer.bias)]
    return float(ops.convert_to_numpy(run(weights, np.ones(shape, "float32"))))


class _PathNetwork:
    """The network of a path norm, compiled. Holds on to nothing of the model that it was made from."""

    def __init__(self, model: keras.Model, layer_sites: list[Site]) -> None:
        inputs = model.inputs
        shape = tuple(inputs[0].shape[1:])
        what = "`model` must have one input of fixed size for its path norm"
        require(len(inputs) == 1 and None not in shape, what, inputs=[tuple(i.shape) for i in inputs])
        made: dict[int, Any] = {}
        network = rebuilt(model, lambda step: _copy(step, made, linear=True))
        order = _order(network, [made[id(site.layer)] for site in layer_sites])
        state = [v.value for v in network.non_trainable_variables]

        copies = inputs[0].shape[0] or 1

        def total(weights: Weights, ones: Array) -> Array:
            outputs, _ = network.stateless_call([weights[i] for i in order], state, ones, training=False)
            return sum(ops.sum(output) for output in keras.tree.flatten(outputs)) / copies

        self._run, self._shape = backend.compile(total), (copies, *shape)

    def __call__(self) -> tuple[Callable[..., Array], tuple[int, ...]]:
        """Returns the compiled function of (weights, inputs), and the shape of the inputs."""
        return self._run, self._shape


def _make_folded(sample: Sample) -> tuple[Sample, list[Any]]:
    made: dict[int, Any] = {}
    model = rebuilt(sample.model, lambda step: _copy(step, made, linear=False))
    objective = copy.copy(sample.objective)
    objective.model = model
    other = sample.with_objective(objective)
    return other, [made[id(site.layer)] for site in sites(sample.model)]


def _copy(step: Any, made: dict[int, Any], linear: bool) -> Any:
    """Returns what takes the place of a step: normalization does nothing, and activations only if not `linear`."""
    if isinstance(step, keras.Model):
        copied = rebuilt(step, lambda part: _copy(part, made, linear))
    elif is_of(step, (layers.BatchNormalization, *TRANSPARENT)) or (
        linear and is_of(step, (*ACTIVATIONS, *PREPROCESSING))
    ):
        copied = layers.Identity()
    elif is_of(step, WEIGHTED):
        copied = _copy_weighted(step, linear)
    else:
        copied = type(step).from_config(step.get_config() | _adapted(step))
        if isinstance(step, layers.Activation):
            # As it is: it may be a function that Keras has no name for.
            copied.activation = step.activation
    made[id(step)] = copied
    return copied


def _adapted(step: Any) -> dict[str, Any]:
    """Returns what a layer that normalizes the data has learned of them."""
    if not isinstance(step, layers.Normalization) or step.input_mean is not None:
        return {}
    return {"mean": np.array(step.adapt_mean), "variance": np.array(step.adapt_variance)}


def _copy_weighted(layer: Any, linear: bool) -> Any:
    # Zeros draw no random numbers, and the folded weights bring their own penalties to nothing.
    names = [name for name in layer.get_config() if name.endswith(("_initializer", "_regularizer", "_constraint"))]
    plain = {name: "zeros" if name.endswith("_initializer") else None for name in names}
    options = {"use_bias": True, "activation": None, "trainable": True, "dtype": "float32"}
    copied = type(layer).from_config(layer.get_config() | plain | options)
    copied.activation = keras.activations.linear if linear else layer.activation
    return copied


def _order(network: keras.Model, copies: list[Any]) -> list[int]:
    """Returns the place among (kernel, bias, kernel, bias, ...) of each trainable variable of a network."""
    places = {id(v): i for i, v in enumerate(v for layer in copies for v in (layer.kernel, layer.bias))}
    return [places[id(v)] for v in network.trainable_variables]


def _assign(copies: list[Any], folded: list[FoldedLayer]) -> None:
    for layer, weights in zip(copies, folded, strict=True):
        layer.kernel.assign(weights.kernel.astype("float32"))
        layer.bias.assign(weights.bias.astype("float32"))
