"""The released code's three ascents, each put together from parts in one table."""

import dataclasses
from collections.abc import Callable

import numpy as np

from keras_sharpness.measures.batches import draw_batches
from keras_sharpness.pools.minibatches import split_batches, whole_batches
from keras_sharpness.studies.config import StudyConfig

Draw = Callable[[np.random.Generator, np.ndarray, int], np.ndarray]
"""From (rng, training examples, number of the ascent) to the examples of an ascent."""

Batches = Callable[[np.random.Generator, np.ndarray], list[np.ndarray]]
"""From (rng, examples) to parts of shape (num_batches, size)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to climb, which losses to read on the way, and which of them count.

    Attributes:
        ascents: Ascents from the trained weights; the sharpness is the mean over them.
        epochs: Points of each ascent, after the trained weights, where a loss is read.
        examples: The examples of an ascent.
        batches: The batches of the steps from one point to the next.
        reading: The batches whose mean losses are added up at a point; None: the loss of the training set in inference
            mode.
        reads_own_examples: Whether these batches are of the ascent's examples, not of the training set.
        training: Whether layers run in training mode, in the steps and where batches are read.
        dropout: Whether dropout layers drop in training mode.
        free_first_step: Whether the ball is around the weights after a first, unprojected step.
        absolute_value: Whether the ball is rho |w0| wide, not rho w0.
        reads_start_once: Whether all ascents share one loss at the trained weights.
        start_counts: Whether the loss at the trained weights is one of those that the largest is taken of.
        largest_sum: Whether the point counts whose epoch has the largest sum of losses after its steps, instead of the
            point of the largest loss.
    """

    ascents: int = 1
    epochs: int
    examples: Draw = lambda rng, train, number: train
    batches: Batches
    reading: Batches | None = None
    reads_own_examples: bool = False
    training: bool = True
    dropout: bool = True
    free_first_step: bool = False
    absolute_value: bool = True
    reads_start_once: bool = True
    start_counts: bool = False
    largest_sum: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of a member's losses: a row for each ascent, then, with `largest_sum`, one for its sums."""
        return self.ascents * (2 if self.largest_sum else 1), self.epochs + 1

    def rises(self, losses: np.ndarray) -> np.ndarray:
        """Returns the loss that counts minus that at the trained weights, for each ascent."""
        losses, deciding = np.split(losses, 2) if self.largest_sum else (losses, losses)
        first = 0 if self.start_counts else 1
        counts = first + deciding[:, first:].argmax(axis=1)
        return losses[np.arange(len(losses)), counts] - losses[:, 0]


def lenet(config: StudyConfig) -> Recipe:
    """Returns five epochs up the losses of all training batches; the largest loss of the training set counts."""
    return Recipe(
        epochs=5,
        batches=_shuffled(config),
        training=not config.follows_paper("batch_statistics"),
        dropout=not config.follows_paper("dropout"),
        free_first_step=not config.follows_paper("reference"),
    )


def fcnn(config: StudyConfig) -> Recipe:
    """Returns six epochs of steps up the loss of the training set; the epoch of the largest sum of losses counts."""
    return Recipe(
        epochs=6,
        batches=lambda rng, examples: whole_batches(examples, config.schedule.batch_size),
        absolute_value=config.follows_paper("absolute_value"),
        largest_sum=True,
    )


def gat(config: StudyConfig) -> Recipe:
    """Returns five ascents of five steps on drawn nodes; the largest sum of the training batches' losses counts."""
    own_baseline = config.follows_paper("baseline")
    return Recipe(
        ascents=config.num_batches if config.follows_paper("trials") else 5,
        epochs=5,
        examples=_paper_draw(config) if config.follows_paper("draw") else _drawn_set(config),
        batches=_one_batch,
        reading=_one_batch if config.follows_paper("loss") else _shuffled(config),
        reads_own_examples=config.follows_paper("loss"),
        training=not config.follows_paper("dropout"),
        reads_start_once=not own_baseline,
        start_counts=own_baseline,
    )


RECIPES: dict[str, Callable[[StudyConfig], Recipe]] = {"lenet": lenet, "fcnn": fcnn, "gat": gat}


def _shuffled(config: StudyConfig) -> Batches:
    return lambda rng, examples: split_batches(rng.permutation(examples), config.schedule.batch_size)


def _one_batch(rng: np.random.Generator, examples: np.ndarray) -> list[np.ndarray]:
    del rng
    return [examples[None].astype(np.int32)]


def _drawn_set(config: StudyConfig) -> Draw:
    # Nodes are drawn with replacement, but an index mask holds each of them once.
    return lambda rng, train, number: np.unique(rng.choice(train, config.schedule.batch_size))


def _paper_draw(config: StudyConfig) -> Draw:
    return lambda rng, train, number: draw_batches(train, config.m, config.num_batches, config.seed)[number]
