"""The networks and losses of the studies."""

import keras

from keras_sharpness import models
from keras_sharpness.objective.objective import Objective
from keras_sharpness.studies.config import StudyConfig


def build_network(config: StudyConfig) -> keras.Model:
    """Returns the network of a study, untrained."""
    return getattr(models, config.system.network)(**config.network_options)


def build_objective(config: StudyConfig, network: keras.Model, on_graph: bool) -> Objective:
    """Returns the loss of a study's network.

    Args:
        config: The study.
        network: Its network.
        on_graph: Whether the examples are the nodes of a graph.
    """
    if config.system.classification:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    else:
        loss = keras.losses.MeanSquaredError()
    return Objective(network, loss, on_graph=on_graph)


def without_dropout(network: keras.Model) -> keras.Model:
    """Builds the same network with its dropout layers off, in training mode too.

    Args:
        network: A functional or sequential network.

    Returns:
        The new network, untrained. Its variables are those of `network`, in the same order.
    """

    def quiet(layer: keras.Layer) -> keras.Layer:
        new = type(layer).from_config(layer.get_config())
        if isinstance(new, keras.layers.Dropout):
            # Not in the configuration: a layer made with rate 0 has no seed, but the state of a member holds one.
            new.rate = 0.0
        return new

    return keras.models.clone_model(network, clone_function=quiet)
