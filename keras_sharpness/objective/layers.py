"""What is known of each kind of layer, and the one walk over the steps of a model.

A layer of ours that passes messages along the edges of a graph says so in attributes of its own: `hops` (how many edges
far), `vectorizes` (whether copies of it run fast at once), and the method `stacked`.
"""

from typing import Any

import keras

# No weights, and each number is computed from one number.
ELEMENTWISE = (
    *(keras.layers.InputLayer, keras.layers.Dropout, keras.layers.Activation),
    *(keras.layers.ReLU, keras.layers.ELU, keras.layers.LeakyReLU),
)
# Each example, or node of a graph, is computed from itself.
EXAMPLEWISE = (*ELEMENTWISE, keras.layers.Dense)
# Copies with weights of their own run fast as one tensor computation, on every backend.
VECTORIZABLE = (
    *(*EXAMPLEWISE, keras.layers.Flatten, keras.layers.Reshape, keras.layers.Softmax, keras.layers.Rescaling),
    *(keras.layers.BatchNormalization, keras.layers.LayerNormalization),
    *(keras.layers.Add, keras.layers.Subtract, keras.layers.Multiply, keras.layers.Average, keras.layers.Concatenate),
)
NORMALIZATIONS = (
    *(keras.layers.BatchNormalization, keras.layers.LayerNormalization, keras.layers.GroupNormalization),
    *(keras.layers.UnitNormalization, keras.layers.RMSNormalization),
)


def steps(model: keras.Model) -> list[Any]:
    """Returns the layers and bare operations of a model, those of models inside it too.

    Args:
        model: The model.

    Returns:
        The steps. [None] stands for a subclassed model, whose `call` can do anything.
    """
    inner = [steps(step) if isinstance(step, keras.Model) else [step] for step in _own_steps(model)]
    return [step for part in inner for step in part]


def hops(model: keras.Model) -> int | None:
    """Returns how many edges away a node's output can depend on.

    Args:
        model: A network of {"features", "edges"}.

    Returns:
        The number of rounds of messages; None unless every step is known to pass messages or to stay in a node.
    """
    mixing = [step for step in _own_steps(model) if not isinstance(step, EXAMPLEWISE)]
    if not all(hasattr(step, "hops") for step in mixing):
        return None
    # A layer that is called twice is listed once, but passes messages twice.
    return sum(step.hops for step in mixing) if all(_is_called_once(step) for step in mixing) else None


def is_stackable(model: keras.Model) -> bool:
    """Returns whether each step of a network can be stacked, or works on each number by itself."""
    return all(isinstance(step, ELEMENTWISE) or hasattr(step, "stacked") for step in _own_steps(model))


def is_vectorizable(model: keras.Model) -> bool:
    """Returns whether copies of a model are known to run fast as one tensor computation."""
    return all(isinstance(step, VECTORIZABLE) or getattr(step, "vectorizes", False) for step in steps(model))


def _own_steps(model: keras.Model) -> list[Any]:
    return list(model.layers if isinstance(model, keras.Sequential) else getattr(model, "operations", [None]))


def _is_called_once(layer: keras.Layer) -> bool:
    return len(layer._inbound_nodes) <= 1
