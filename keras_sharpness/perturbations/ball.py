"""The ball around the weights that perturbations are taken from."""

import dataclasses
import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from keras import ops

from keras_sharpness.arrays import tree
from keras_sharpness.errors import require, require_non_negative
from keras_sharpness.perturbations.norms import NORMS, Norm
from keras_sharpness.perturbations.scaling import SCALINGS, Scale
from keras_sharpness.typing import Array, Weights


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ball:
    """The set { delta : ||delta / c||_p <= rho }, c a scale made from the weights.

    Attributes:
        rho: Radius in units of the scale.
        norm: "linf", "l2" or "l1"; over all weights together.
        scaling: "adaptive" (c = |w|), "none" (c = 1), "per_filter" or "per_layer" (norms of these).
        eta: Floor added to the scale, as adaptive SAM does, so that zero weights move too.
    """

    rho: float = 1e-4
    norm: str = "linf"
    scaling: str = "adaptive"
    eta: float = 0.0

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            InputError: If a number is negative or not finite, or a name is unknown.
        """
        require_non_negative("rho", self.rho)
        require_non_negative("eta", self.eta)
        require(self.norm in NORMS, f"`norm` must be one of {', '.join(NORMS)}", norm=self.norm)
        require(self.scaling in SCALINGS, f"`scaling` must be one of {', '.join(SCALINGS)}", scaling=self.scaling)

    def around(self, weights: Weights, mask: Weights | None = None, rho: Array | None = None) -> "Region":
        """Returns the ball around given weights.

        Args:
            weights: Its centre.
            mask: One for weights that move, zero for those that do not; None: all move.
            rho: Another radius, a scalar.
        """
        scale = Scale(SCALINGS[self.scaling], weights, self.eta, mask)
        # Of the weights' own type, which need not be that of the argument.
        radius = self.rho if rho is None else ops.cast(rho, weights[0].dtype)
        return Region(NORMS[self.norm], radius, scale)


class Region(NamedTuple):
    """A ball whose scale is known. Perturbations are lists of arrays in the weights' shapes.

    Attributes:
        norm: Its norm.
        rho: Its radius, in units of the scale.
        scale: The scale c of each weight.
    """

    norm: Norm
    rho: float | Array
    scale: Sequence[Array]

    def project(self, delta: Iterable[Array]) -> Weights:
        """Returns the point of the ball nearest to `delta` in the scaled coordinates nu = delta / c."""
        return tree.in_turn(self.projecting(delta))

    def projecting(self, delta: Iterable[Array]) -> Iterator[Array]:
        """Returns an iterator of the arrays of `project`, where these need not know each other to be computed late."""
        if self.norm is NORMS["linf"]:
            # The same clip, without a division.
            return iter(self.norm.project_weights(delta, self.rho, self.scale))
        projected = self.norm.project(tree.divide(delta, self.scale), self.rho)
        return tree.Each(operator.mul, self.scale, projected)

    def project_weights(self, delta: Iterable[Array]) -> Weights:
        """Returns the point of the ball nearest to `delta` in the weights' own coordinates."""
        return tree.in_turn(self.norm.project_weights(delta, self.rho, self.scale))

    def steepest(self, gradient: Weights) -> Weights:
        """Returns the perturbation of radius rho along which a linear loss of this gradient rises most."""
        return tree.in_turn(self.steps(gradient))

    def steps(self, gradient: Weights) -> Iterator[Array]:
        """Returns an iterator of the arrays of `steepest`, to be computed when they are needed."""
        steepest = self.norm.steepest(self._scaled(gradient))
        return tree.Each(lambda c, step: tree.of_type(self.rho, step) * (c * step), self.scale, steepest)

    def slope(self, gradient: Weights) -> Array:
        """Returns how far a linear loss of this gradient rises for each unit of radius: ||c * gradient||_q."""
        return self.norm.dual(self._scaled(gradient))

    def reach(self, gradient: Weights) -> Array:
        """Returns how far a linear loss of this gradient rises in the region, a scalar."""
        return self.rho * self.slope(gradient)

    def radius(self, delta: Weights) -> Array:
        """Returns ||delta / c||, a scalar."""
        return self.norm.size(map(ops.divide_no_nan, delta, self.scale))

    def sample(self, *keys: Array) -> Weights:
        """Returns a point drawn uniformly from the ball, in scaled coordinates; keys as of `noise.bits`."""
        moves = [ops.cast(c != 0, c.dtype) for c in self.scale]
        drawn = tree.cast_like(self.norm.sample(moves, *keys), self.scale)
        return self.project(tree.scale(self.rho, tree.multiply(self.scale, drawn)))

    def _scaled(self, gradient: Weights) -> Iterator[Array]:
        return tree.Each(operator.mul, self.scale, gradient)
