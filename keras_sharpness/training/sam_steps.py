"""Sharpness-aware steps: those of Keras's trainers, with a gradient from other weights."""

from typing import Any

import keras
from keras import ops

from keras_sharpness import backend
from keras_sharpness.backend.internals import build_losses, track_loss
from keras_sharpness.training.passes import Batch, Passes, held
from keras_sharpness.training.sam_ascent import Ascent
from keras_sharpness.training.sharp_gradient import sharp_gradient


def stateful_step(model: keras.Model, ascent: Ascent, data: Any) -> dict[str, Any]:
    """Does what `train_step` does on TensorFlow and PyTorch.

    Args:
        model: The compiled model.
        ascent: The climb.
        data: The batch.

    Returns:
        The metrics.
    """
    batch, optimizer = Batch.of(data), model.optimizer
    build_losses(model, batch)
    with backend.unrecorded():
        variables = held(model)
        state = [variable.value for variable in variables]
        passes = Passes(model=model, variables=variables, state=state, factor=optimizer.scale_loss(1.0))
        weights = [variable.value for variable in model.trainable_variables]
        first = passes.first(weights, batch)
        gradient = sharp_gradient(passes, ascent, weights, batch, first, optimizer.iterations)
        for variable, old, new in zip(variables, state, first.state, strict=True):
            if new is not old:
                variable.assign(new)
        track_loss(model, first.loss, batch.x)
        optimizer.apply(gradient, model.trainable_variables)
        return model.compute_metrics(batch.x, batch.y, first.outputs, batch.sample_weight)


def stateless_step(
    model: keras.Model, ascent: Ascent, state: tuple[Any, ...], data: Any
) -> tuple[Any, tuple[Any, ...]]:
    """Does what `train_step` does on JAX.

    Args:
        model: The compiled model.
        ascent: The climb.
        state: Values of trainable weights, non-trainable variables, and those of optimizer and metrics.
        data: The batch.

    Returns:
        The metrics and the state after the step.
    """
    weights, others, slots, sums = state
    batch, optimizer = Batch.of(data), model.optimizer
    with keras.StatelessScope(state_mapping=zip(optimizer.variables, slots, strict=True)):
        factor, iterations = optimizer.scale_loss(1.0), ops.convert_to_tensor(optimizer.iterations)
    passes = Passes(model=model, variables=held(model), state=[*others, *sums], factor=factor)
    first = passes.first(weights, batch)
    gradient = sharp_gradient(passes, ascent, weights, batch, first, iterations)
    weights, slots = optimizer.stateless_apply(slots, gradient, weights)
    others, sums = first.state[: len(others)], first.state[len(others) :]
    with keras.StatelessScope(state_mapping=zip(model.metrics_variables, sums, strict=True)) as scope:
        track_loss(model, first.loss, batch.x)
        logs = model.compute_metrics(batch.x, batch.y, first.outputs, batch.sample_weight)
    return logs, (weights, others, slots, [scope.get_current_value(v) for v in model.metrics_variables])
