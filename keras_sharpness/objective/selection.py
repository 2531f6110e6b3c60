"""Which weights move."""

import fnmatch
from collections.abc import Callable, Sequence
from typing import TypeAlias

import keras

from keras_sharpness.backend.internals import flatten_layers
from keras_sharpness.errors import InputError, require
from keras_sharpness.objective.layers import NORMALIZATIONS

Selection: TypeAlias = str | Sequence[str] | Callable[[keras.Variable], bool]
"""One of "all", "no_biases", "no_normalization", "kernels"; names or patterns; or a test of a variable."""


def select(model: keras.Model, selection: Selection = "all") -> list[bool]:
    """Returns whether each trainable weight moves.

    Args:
        model: The model.
        selection: "all"; "no_biases"; "no_normalization" (without scale and offset of normalization layers); "kernels"
            (without both); names of layers or weights, or patterns such as "dense*" or "*/kernel"; or a function of a
            variable.

    Raises:
        InputError: If a name matches nothing, or nothing is left.
    """
    variables = model.trainable_variables
    if callable(selection):
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
        patterns = [selection] if isinstance(selection, str) else selection
        words = isinstance(patterns, Sequence) and all(isinstance(pattern, str) for pattern in patterns)
        require(words, "`select` must be a name, names or a function of a variable", select=selection)
        chosen = _by_name(variables, list(patterns))
    if not any(chosen):
        raise InputError(f"`select` must leave a weight that moves. Received: select={selection!r}")
    return chosen


def by_layer(model: keras.Model) -> dict[str, list[bool]]:
    """Returns which weights belong to each layer that has some, by the layer's path."""
    variables = model.trainable_variables
    paths = [v.path.rpartition("/")[0] for v in variables]
    return {path: [p == path for p in paths] for path in dict.fromkeys(paths)}


def _by_name(variables: list[keras.Variable], patterns: list[str]) -> list[bool]:
    paths = [v.path for v in variables]
    matches = [[_matches(path, pattern) for path in paths] for pattern in patterns]
    for pattern, found in zip(patterns, matches, strict=True):
        if not any(found):
            raise InputError(
                f"`select` must name layers or weights of the model, or be one of all, no_biases, no_normalization, "
                f"kernels. Received: {pattern!r}; weights: {', '.join(paths)}"
            )
    return [any(found) for found in zip(*matches, strict=True)]


def _matches(path: str, pattern: str) -> bool:
    """Returns whether a pattern is the path, or one of its parts, or a run of these."""
    parts = path.split("/")
    runs = ["/".join(parts[i:j]) for i in range(len(parts)) for j in range(i + 1, len(parts) + 1)]
    return any(fnmatch.fnmatchcase(run, pattern) for run in runs)


def _of_normalizations(model: keras.Model) -> set[int]:
    layers = flatten_layers(model)
    return {id(v) for layer in layers if isinstance(layer, NORMALIZATIONS) for v in layer.trainable_variables}
