"""Loss and error rate of trained models over many examples, and the loss of each."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.arrays import copies
from keras_sharpness.distribution import distribute
from keras_sharpness.execution.plan import EVALUATION_BATCH
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective
from keras_sharpness.pools.data_split import Split
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.minibatches import split_batches
from keras_sharpness.typing import Array, Data, State, Weights

Scores = Callable[[Weights, State, np.ndarray], list[float]]
"""From (weights, state, indices) to the mean loss over some examples and, for classification, the error rate."""


def compile_scores(objective: Objective, data: LabelledData, classification: bool, distribution: Any = None) -> Scores:
    """Compiles the evaluation of models of one architecture.

    Args:
        objective: The loss.
        data: Inputs and targets.
        classification: Whether outputs are logits that have an error rate.
        distribution: Where the forward passes run; None: in this process.

    Returns:
        The evaluation, in inference mode.
    """
    count = 2 if classification else 1

    def evaluate(weights: Weights, state: State, data: Data, indices: Array) -> Array:
        return ops.stack(objective.loss_and_error(weights, state, data, indices, training=False)[:count])

    # Batches of several sizes: all share one trace.
    evaluate, where = backend.compile(evaluate, {3: (0,)}), distribute(distribution)

    def means(weights: Weights, state: State, indices: np.ndarray) -> list[float]:
        tensors, total = where.place(data.tensors), np.zeros(count)
        for batches in split_batches(indices, EVALUATION_BATCH):
            values = where.map(evaluate, ((weights, state, tensors, batch) for batch in batches))
            total += batches.shape[-1] * np.stack([*values]).astype(np.float64).sum(axis=0)
        return list(total / len(indices))

    return means


def compile_split_scores(
    objective: Objective, splits: Mapping[str, Split], distribution: Any = None
) -> Callable[[Member], dict[str, float]]:
    """Compiles the evaluation of members on named splits.

    Args:
        objective: The loss.
        splits: The splits.
        distribution: Where the forward passes run; None: in this process.

    Returns:
        From a member to `NAME_loss` of each split and, where it means something, `NAME_error`, in inference mode.
    """
    compiled = {name: compile_scores(objective, split.data, True, distribution) for name, split in splits.items()}

    def evaluate(member: Member) -> dict[str, float]:
        found: dict[str, float] = {}
        for name, split in splits.items():
            loss, error = compiled[name](*member.tensors(), split.examples)
            found |= {f"{name}_loss": loss} | ({} if np.isnan(error) else {f"{name}_error": error})
        return found

    return evaluate


def compile_example_losses(objective: Objective, data: LabelledData) -> Callable[..., np.ndarray]:
    """Compiles the loss of each example by itself.

    Args:
        objective: The loss, of one output.
        data: Inputs and targets.

    Returns:
        A function of (weights, state, indices) that returns float32 losses of shape (num_indices,), in inference mode.
    """

    def evaluate(weights: Weights, state: State, data: Data, indices: Array) -> Array:
        outputs, targets, _ = objective.outputs(weights, state, data, indices, training=False)
        loss = copies.for_each(
            lambda target, output: objective.batch_loss.mean(target[None], output[None]), indices.shape[0]
        )
        return loss(targets, outputs)

    evaluate = backend.compile(evaluate)

    def losses(weights: Weights, state: State, indices: np.ndarray) -> np.ndarray:
        pieces = (batch for batches in split_batches(indices, EVALUATION_BATCH) for batch in batches)
        found = [ops.convert_to_numpy(evaluate(weights, state, data.tensors, piece)) for piece in pieces]
        return np.concatenate(found)

    return losses


def average_batches(scores: Scores, batch_size: int) -> Scores:
    """Returns an evaluation that is the mean of batches' means; a smaller last batch counts as much as the others.

    Args:
        scores: The mean over examples.
        batch_size: Examples in a batch.
    """

    def means(weights: Weights, state: State, indices: np.ndarray) -> list[float]:
        whole = len(indices) // batch_size
        parts = np.split(indices, [whole * batch_size])
        # One mean over all whole batches, which weighs as much as they are many, and that of the smaller last one.
        found = [
            (count, scores(weights, state, part)) for count, part in zip((whole, 1), parts, strict=True) if part.size
        ]
        counts, values = zip(*found, strict=True)
        return list(np.average(values, axis=0, weights=counts))

    return means
