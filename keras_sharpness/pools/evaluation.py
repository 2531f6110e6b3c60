"""Loss and error of trained models over many examples."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.distribution import distribute
from keras_sharpness.objective.objective import Objective
from keras_sharpness.pools.minibatches import split_batches
from keras_sharpness.typing import Array, Data, State, Weights

# Examples in one forward pass: bounds the memory of a convolutional network's activations.
CHUNK = 1000


def compile_evaluation(
    objective: Objective, classification: bool, distribution: Any = None
) -> Callable[[Weights, State, np.ndarray], list[float]]:
    """Compiles the evaluation of models of one architecture.

    Args:
        objective: The loss.
        classification: Whether outputs are logits whose error rate counts too.
        distribution: Where the forward passes run; None: in this process.

    Returns:
        A function of (weights, state, indices) that returns the mean loss over these examples in inference mode and,
        for classification, the share of wrong predictions.
    """
    metrics = [objective.loss, objective.error] if classification else [objective.loss]

    def evaluate(weights: Weights, state: State, data: Data, indices: Array) -> Array:
        return ops.stack([metric(weights, state, data, indices) for metric in metrics])

    evaluate, where = backend.compile(evaluate), distribute(distribution)

    def means(weights: Weights, state: State, indices: np.ndarray) -> list[float]:
        data, total = where.place(objective.data), np.zeros(len(metrics))
        for batches in split_batches(indices, CHUNK):
            values = where.map(evaluate, ((weights, state, data, batch) for batch in batches))
            total += batches.shape[-1] * np.stack([*values]).astype(np.float64).sum(axis=0)
        return list(total / len(indices))

    return means
