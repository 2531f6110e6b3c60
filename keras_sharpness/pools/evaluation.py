"""Loss and error of trained models over many examples."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.distribution import distribute
from keras_sharpness.execution.plan import EVALUATION_BATCH
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective
from keras_sharpness.pools.minibatches import split_batches
from keras_sharpness.typing import Array, Data, State, Weights


def compile_evaluation(
    objective: Objective, data: LabelledData, classification: bool, distribution: Any = None
) -> Callable[[Weights, State, np.ndarray], list[float]]:
    """Compiles the evaluation of models of one architecture.

    Args:
        objective: The loss.
        data: Inputs and targets.
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
        tensors, total = where.place(data.tensors), np.zeros(len(metrics))
        for batches in split_batches(indices, EVALUATION_BATCH):
            values = where.map(evaluate, ((weights, state, tensors, batch) for batch in batches))
            total += batches.shape[-1] * np.stack([*values]).astype(np.float64).sum(axis=0)
        return list(total / len(indices))

    return means
