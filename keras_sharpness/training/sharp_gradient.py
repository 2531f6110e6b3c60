"""The gradient at the top of a climb, which sharpness-aware minimization hands to the optimizer (arXiv:2010.01412)."""

import dataclasses
import functools
from typing import Any

from keras import ops

from keras_sharpness import backend
from keras_sharpness.errors import require
from keras_sharpness.training.passes import Batch, Pass, Passes
from keras_sharpness.training.sam_ascent import Ascent
from keras_sharpness.training.sam_parts import mix, sum_over_parts
from keras_sharpness.typing import Array, Weights


def sharp_gradient(
    passes: Passes, ascent: Ascent, weights: Weights, batch: Batch, first: Pass, iterations: Array
) -> list[Array | None]:
    """Returns the gradient for the optimizer: of the loss at the top of the climb, with respect to the weights there.

    Args:
        passes: Passes through the model.
        ascent: The climb.
        weights: Trainable weights.
        batch: The batch.
        first: The pass at these weights.
        iterations: Steps that the optimizer has done.

    Raises:
        InputError: If replicas of TensorFlow would have to exchange gradients in some steps only.
    """
    there = [gradient is not None for gradient in first.gradient]
    if not any(there):
        return first.gradient
    exchanges = ascent.m is None and ascent.maximizer.num_steps > 1 and backend.num_replicas() > 1
    what = "`every` must be 1 where replicas climb together in several steps"
    require(ascent.every == 1 or not exchanges, what, every=ascent.every)
    hill = _Hill(passes=passes, ascent=ascent, weights=weights, there=there, rho=ascent.radius(iterations))
    plain = hill.present(first.gradient)
    # Before any branch, where replicas could not exchange gradients.
    start = passes.unscaled(first.loss, plain, shared=True) if ascent.m is None else None

    def sharp() -> Weights:
        if start is not None:
            return hill.gradient_at_top(start, batch)
        assert ascent.m is not None  # noqa: S101
        return sum_over_parts(lambda part: hill.gradient_of_part(part, batch), batch, ascent.m, plain, passes.model)

    found = sharp() if ascent.every == 1 else ops.cond(ascent.due(iterations), sharp, lambda: plain)
    remaining = iter(found)
    return [next(remaining) if known else None for known in there]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Hill:
    """The loss around some weights.

    Attributes:
        passes: Passes through the model.
        ascent: The climb.
        weights: Trainable weights.
        there: Whether each has a gradient. The others stay where they are, and out of all lists below.
        rho: Radius of the ball around the weights.
    """

    passes: Passes
    ascent: Ascent
    weights: Weights
    there: list[bool]
    rho: Array

    def present(self, values: list[Any]) -> list[Any]:
        """Returns those of some values, one for each weight, that belong to weights with a gradient."""
        return [value for value, known in zip(values, self.there, strict=True) if known]

    def gradient_at_top(
        self, start: tuple[Array, Weights], batch: Batch, shares: tuple[Array, Array] = (1.0, 0.0)
    ) -> Weights:
        """Returns the gradient at the top of the climb from loss and gradient at the weights; `shares` as of `mix`."""
        kinds = self.present(self.ascent.kinds(self.passes.model))
        look = functools.partial(self._look, batch=batch)
        top = self.ascent.climb(self.present(self.weights), kinds, self.rho, start, look)
        return self.present(self.passes.next(self._moved(top), batch, shares).gradient)

    def gradient_of_part(self, part: Batch, batch: Batch) -> Weights:
        """Returns the gradient at the top of a climb of a part of the batch, as its share in that of the batch."""
        start = self._look(None, part)
        return self.gradient_at_top(start, part, mix(part, batch, self.passes.model))

    def _look(self, delta: Weights | None, batch: Batch) -> tuple[Array, Weights]:
        found = self.passes.next(self.weights if delta is None else self._moved(delta), batch)
        return self.passes.unscaled(found.loss, self.present(found.gradient), shared=self.ascent.m is None)

    def _moved(self, delta: Weights) -> Weights:
        remaining = iter(delta)
        return [w + next(remaining) if known else w for w, known in zip(self.weights, self.there, strict=True)]
