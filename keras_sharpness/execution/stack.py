"""Many copies of a graph network, each with weights of its own, run as one network."""

import keras

from keras_sharpness.objective.graph import Field
from keras_sharpness.typing import Array


def stack(model: keras.Model, copies: int, field: Field) -> keras.Model:
    """Returns a network that runs many copies of a graph network at once on the field of the nodes that matter.

    The copies are the last axis of every array, so that look-ups along edges, which take most of the time, move long
    rows. Each layer computes only the nodes that the next ones depend on.

    Args:
        model: Functional network of {"features", "edges"} for which `is_stackable` holds.
        copies: How many copies.
        field: The receptive field that it will be called with.

    Returns:
        A network whose weights and outputs have a last axis of size `copies`; outputs of the nearest nodes only.
    """
    inputs = {name: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=name) for name, x in model.input.items()}
    hops_left = len(field.within) - 1

    def clone(layer: keras.Layer) -> keras.Layer:
        return layer.stacked(copies) if hasattr(layer, "stacked") else layer

    def call(layer: keras.Layer, *args: Array, **kwargs: Array) -> Array:
        nonlocal hops_left
        if not hasattr(layer, "stacked"):
            return layer(*args, **kwargs)
        nodes, edges = args
        if nodes is inputs["features"]:
            layer.expect(field.graph.features)
        hops_left -= layer.hops
        num_targets = int(field.within[hops_left])
        return layer(nodes, edges[:, : field.edges_into(num_targets)], num_targets=num_targets)

    return keras.models.clone_model(model, input_tensors=inputs, clone_function=clone, call_function=call)
