"""Directions in the space of weights, along which a loss is looked at."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol, TypeAlias

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_sharpness.arrays import noise, tree
from keras_sharpness.errors import require, require_seed
from keras_sharpness.maximizers import PGA, Maximizer, num_starts
from keras_sharpness.measures.climbing import climbs
from keras_sharpness.measures.sample import Sample
from keras_sharpness.perturbations import Ball
from keras_sharpness.perturbations.scaling import per_filter
from keras_sharpness.typing import Weights

STEEPEST_ASCENT = PGA(num_steps=10, step_size=0.5, direction="steepest")


class Direction(Protocol):
    """A direction that is known once a model is.

    Attributes:
        label: What it is, for figures.
    """

    @property
    def label(self) -> str:
        """What it is, for figures."""
        ...

    def vector(self, sample: Sample) -> Weights:
        """Returns the direction, one array for each trainable weight."""
        ...


DirectionLike: TypeAlias = Direction | str | keras.Model | Sequence[ArrayLike]
"""A direction, "random" or "ascent", another model, or an array for each trainable weight."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RandomDirection:
    """A normal direction whose filters have the norms of the weights' own (arXiv:1712.09913, section 4).

    Attributes:
        seed: Its seed.
        number: Which of several directions of this seed.
    """

    seed: int = 0
    number: int = 0
    label = "random"

    def __post_init__(self) -> None:
        """Checks the seed.

        Raises:
            InputError: If it is out of range.
        """
        require_seed(self.seed)

    def vector(self, sample: Sample) -> Weights:
        """Returns the direction; zero for weights that do not move."""
        weights, moves = sample.values()[0], sample.mask()
        direction = [noise.normal(w.shape, self.seed, self.number, i) for i, w in enumerate(weights)]
        unit = tree.cast_like(tree.divide(direction, map(per_filter, direction)), weights)
        direction = tree.multiply(unit, map(per_filter, weights))
        return direction if moves is None else tree.multiply(direction, moves)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AscentDirection:
    """The highest perturbation that an ascent on all examples finds.

    Attributes:
        ball: The set of perturbations.
        maximizer: How to climb.
    """

    ball: Ball = Ball(rho=1e-2)
    maximizer: Maximizer = STEEPEST_ASCENT
    label = "ascent"

    def vector(self, sample: Sample) -> Weights:
        """Returns the perturbation."""
        whole = sample.whole()
        climb = climbs(whole.grid(num_starts(self.maximizer)), self.ball, self.maximizer, keep_best=True)
        found = climb(*whole.values(), whole.mask())
        highest = found.path["losses"][0].max(axis=1).argmax()
        return [ops.convert_to_tensor(b[0, highest]) for b in found.best]


@dataclasses.dataclass(frozen=True, kw_only=True)
class GivenDirection:
    """A direction that is known already, such as an eigenvector or the way to another model.

    Attributes:
        arrays: An array for each trainable weight.
        label: What it is, for figures.
    """

    arrays: Sequence[ArrayLike]
    label: str = "given"

    def vector(self, sample: Sample) -> Weights:
        """Returns the direction.

        Raises:
            InputError: If the arrays do not have the weights' shapes.
        """
        weights = sample.values()[0]
        given, shapes = [np.shape(a) for a in self.arrays], [tuple(w.shape) for w in weights]
        require(given == shapes, "`direction` must have an array of the shape of each weight", shapes=given)
        return [ops.cast(ops.convert_to_tensor(a), w.dtype) for a, w in zip(self.arrays, weights, strict=True)]
