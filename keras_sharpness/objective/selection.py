"""Which weights move."""

import fnmatch
from collections.abc import Callable, Sequence
from typing import TypeAlias

import keras

from keras_sharpness.backend.internals import flatten_layers
from keras_sharpness.errors import InputError, require
from keras_sharpness.objective.layers import NORMALIZATIONS

Part: TypeAlias = str | keras.layers.Layer | keras.Variable
Selection: TypeAlias = Part | Sequence[Part] | Callable[[keras.Variable], bool]
"""One of "all", "no_biases", "no_normalization", "kernels"; layers, weights, their names or patterns, one or several;
or a test of a variable."""


def select(model: keras.Model, selection: Selection = "all") -> list[bool]:
    """Returns whether each trainable weight moves.

    Args:
        model: The model.
        selection: "all"; "no_biases"; "no_normalization" (without scale and offset of normalization layers); "kernels"
            (without both); layers or weights, their names, or patterns such as "dense*" or "*/kernel", one or several;
            or a function of a variable.

    Raises:
        InputError: If a name matches nothing, or nothing is left.
    """
    variables = model.trainable_variables
    if callable(selection) and not isinstance(selection, keras.layers.Layer):
        chosen = [bool(selection(v)) for v in variables]
    elif isinstance(selection, str) and selection in ("all", "no_biases", "no_normalization", "kernels"):
        without_biases = selection in ("no_biases", "kernels")
        without_normalization = selection in ("no_normalization", "kernels")
        normalization = _of_normalizations(model)
        chosen = [
            not (without_biases and v.path.split("/")[-1] == "bias")
            and not (without_normalization and id(v) in normalization)
            for v in variables
        ]
    else:
        parts = [selection] if isinstance(selection, Part) else selection
        known = isinstance(parts, Sequence) and all(isinstance(part, Part) for part in parts)
        require(known, "`select` must be names, layers, weights or a function of a variable", select=selection)
        chosen = _by_part(variables, list(parts))
    if not any(chosen):
        raise InputError(f"`select` must leave a weight that moves. Received: select={selection!r}")
    return chosen


def by_layer(model: keras.Model) -> dict[str, list[bool]]:
    """Returns which weights belong to each layer that has some, by the layer's path."""
    variables = model.trainable_variables
    paths = [v.path.rpartition("/")[0] for v in variables]
    return {path: [p == path for p in paths] for path in dict.fromkeys(paths)}


def _by_part(variables: list[keras.Variable], parts: list[Part]) -> list[bool]:
    matches = [[_belongs(variable, part) for variable in variables] for part in parts]
    for part, found in zip(parts, matches, strict=True):
        if not any(found):
            given = part if isinstance(part, str) else part.name
            raise InputError(
                f"`select` must name layers or weights of the model, or be one of all, no_biases, "
                f"no_normalization, kernels. Received: {given!r}; weights: {', '.join(v.path for v in variables)}"
            )
    return [any(found) for found in zip(*matches, strict=True)]


def _belongs(variable: keras.Variable, part: Part) -> bool:
    if isinstance(part, keras.layers.Layer):
        return any(variable is own for own in part.trainable_variables)
    return _matches(variable.path, part) if isinstance(part, str) else variable is part


def _matches(path: str, pattern: str) -> bool:
    """Returns whether a pattern is the path, or one of its parts, or a run of these."""
    parts = path.split("/")
    runs = ["/".join(parts[i:j]) for i in range(len(parts)) for j in range(i + 1, len(parts) + 1)]
    return any(fnmatch.fnmatchcase(run, pattern) for run in runs)


def _of_normalizations(model: keras.Model) -> set[int]:
    layers = flatten_layers(model)
    return {id(v) for layer in layers if isinstance(layer, NORMALIZATIONS) for v in layer.trainable_variables}
