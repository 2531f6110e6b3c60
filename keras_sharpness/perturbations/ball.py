"""Norm balls and the projections onto them."""

import dataclasses
from typing import NamedTuple

from keras_sharpness import tree
from keras_sharpness.errors import require, require_non_negative
from keras_sharpness.perturbations.scaling import SCALINGS
from keras_sharpness.typing import Weights


def project_linf(delta: Weights, rho: float, scale: Weights) -> Weights:
    """Projects a perturbation onto the scaled l-infinity ball of radius `rho`.

    Solves min_z ||z - delta||_2 subject to |z_i| <= rho c_i for every weight i. Where c_i = 0 the weight does not move.

    Args:
        delta: Perturbation, one array per trainable weight, shapes as the weights.
        rho: Radius in units of the scale. Finite, non-negative.
        scale: The scale c, shapes as the weights, non-negative.

    Returns:
        The projection; structure, shapes and dtypes of `delta`.
    """
    return tree.clip(delta, [-rho * c for c in scale], [rho * c for c in scale])


PROJECTIONS = {"linf": project_linf}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ball:
    """The set { delta : ||delta / c||_p <= rho }, c a scale made from the weights.

    Attributes:
        rho: Radius in units of the scale.
        norm: "linf".
        scaling: "adaptive" (c = |w|) or "none" (c = 1).
    """

    rho: float = 1e-4
    norm: str = "linf"
    scaling: str = "adaptive"

    def __post_init__(self) -> None:
        """Checks the settings.

        Raises:
            InputError: If the radius is negative or not finite, or a name is unknown.
        """
        require_non_negative("rho", self.rho)
        require(self.norm in PROJECTIONS, f"`norm` must be one of {', '.join(PROJECTIONS)}", norm=self.norm)
        require(self.scaling in SCALINGS, f"`scaling` must be one of {', '.join(SCALINGS)}", scaling=self.scaling)

    def around(self, weights: Weights) -> "Region":
        """Returns the ball around given weights."""
        return Region(self, SCALINGS[self.scaling](weights))


class Region(NamedTuple):
    """A ball whose scale is known.

    Attributes:
        ball: The ball.
        scale: The scale c of each weight.
    """

    ball: Ball
    scale: Weights

    def project(self, delta: Weights) -> Weights:
        """Returns the point of the ball nearest to `delta`."""
        return PROJECTIONS[self.ball.norm](delta, self.ball.rho, self.scale)
