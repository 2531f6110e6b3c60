"""How far a worst-case sharpness can be trusted: whether its ascents have settled, and what is left to gain."""

import dataclasses
import logging

import numpy as np

from keras_sharpness.maximizers import Climb
from keras_sharpness.measures.climbing import best_paths

log = logging.getLogger(__name__)
# An ascent has settled if its last step added, and more steps promise, no more than this share of the rise.
TOLERANCE = 0.05
# A single step that rises farther by a smaller share is as good.
TIE = 1e-3
# Float32 losses are known to about this share.
RESOLUTION = 2.0**-22


@dataclasses.dataclass(frozen=True, eq=False)
class Diagnostics:
    """How far a worst-case sharpness can be trusted; arrays have an entry for each batch.

    `remaining` comes from the gradients g of the ascent. At a point delta, the linearization of the loss promises
    rho ||c g||_q - <g, delta> (q dual to the norm of the ball) to the best point of the ball. That is exact for a
    linear loss, and no more than the truth for a convex one. At the last point, whose gradient is not known, it is that
    of the point before, less what the last step added.

    Attributes:
        last_gain: Share of the rise that the last step added. It is also near zero where the steps are too short.
        radius_used: Radius ||delta / c|| of the highest point, as a share of rho. With "linf" one weight at the bound
            makes it one.
        restart_gap: Rise of the best restart over that of the mean one, as a share of the best; NaN without restarts.
            Near zero where the maximum does not depend on the start.
        radius_share: Share of the radius that the highest point uses, each weight counting as much as the loss depends
            on it at the start: sum |g delta| / (rho ||c g||_q). One only if the weights that matter have moved as far
            as they may. "l2" and "l1" bounds make the weights share the radius: there it is below one if the highest
            point lies in another direction than the gradient at the start.
        remaining: Estimate of what more steps would add, as a share of the rise.
        rise: Rise of the loss that the ascent reached.
        single_rise: Rise at the end of one steepest step of the full radius, as `SingleStep` takes it.
        resolution: Rises below it are rounding.
    """

    last_gain: np.ndarray
    radius_used: np.ndarray
    restart_gap: np.ndarray
    radius_share: np.ndarray
    remaining: np.ndarray
    rise: np.ndarray
    single_rise: np.ndarray
    resolution: np.ndarray

    @property
    def single_step_ratio(self) -> np.ndarray:
        """Rise reached over that of a single step; below one, the single step is the better ascent."""
        return np.maximum(self.rise, self.resolution) / np.maximum(self.single_rise, self.resolution)

    @property
    def settled(self) -> bool:
        """Whether a better ascent would hardly find more, as far as the measurement can tell."""
        return self.verdict == "settled"

    @property
    def beaten(self) -> bool:
        """Whether a single step rises farther, on average over the batches."""
        return bool(self.single_rise.mean() > (1 + TIE) * self.rise.mean() + self.resolution.mean())

    @property
    def verdict(self) -> str:
        """Returns "settled", or "not settled" and why."""
        found = self.means()
        if not np.isfinite([found["remaining"], self.single_rise.mean()]).all():
            return "not settled: the loss became non-finite"
        if self.beaten:
            return f"not settled: one steepest step rises {1 / found['single_step_ratio']:.3g} times as far"
        if self.rise.mean() <= self.resolution.mean():
            return "not settled: no rise beyond rounding"
        if found["remaining"] > TOLERANCE:
            return f"not settled: the slope promises {found['remaining']:.2g} times the rise on top"
        if found["last_gain"] > TOLERANCE:
            return f"not settled: the last step added {found['last_gain']:.2g} of the rise"
        return "settled"

    def means(self) -> dict[str, float]:
        """Returns the mean of each over batches. Shares of the rise count by the rise."""
        weights = np.maximum(self.rise, self.resolution)
        ratio = weights.sum() / np.maximum(self.single_rise, self.resolution).sum()
        return {
            "last_gain": float(np.average(self.last_gain, weights=weights)),
            "radius_used": float(self.radius_used.mean()),
            "radius_share": float(self.radius_share.mean()),
            "single_step_ratio": float(ratio),
            "remaining": float(np.average(self.remaining, weights=weights)),
            "restart_gap": float(self.restart_gap.mean()),
        }

    def __str__(self) -> str:
        """Returns the verdict and the means in one line."""
        return ", ".join([self.verdict, *(f"{name} {value:.3g}" for name, value in self.means().items())])

    def __repr__(self) -> str:
        """Returns the same."""
        return f"Diagnostics({self})"

    def warn(self) -> None:
        """Logs one line if the ascent is far from the maximum.

        That is, if a single step rises farther by more than 5 %, or the slope promises more than the whole rise on top.
        """
        found = self.means()
        if self.beaten and found["single_step_ratio"] < 1 - TOLERANCE or found["remaining"] > 1:
            log.warning("the worst-case ascent has %s; step_size='auto' and APGD fit every scale", self.verdict)


def diagnose(climb: Climb, rho: float) -> Diagnostics:
    """Returns the diagnostics of watched ascents.

    Args:
        climb: What they found; see `climbing.climbs`.
        rho: Radius of the ball.
    """
    losses = climb.path["losses"].astype(np.float64)
    starts, paths = losses[:, 0, 0], best_paths(losses)
    rises = losses[:, :, 1:].max(axis=2) - starts[:, None]
    rise, single = paths.max(axis=1) - starts, climb.single["losses"][:, 0] - starts
    resolution = np.maximum(RESOLUTION * np.abs(starts), np.finfo(np.float32).tiny)
    shown = np.maximum(rise, resolution)
    rows, best = np.arange(len(losses)), rises.argmax(axis=1)
    highest = losses[rows, best].argmax(axis=1)
    radii, moved = (climb.path[name][rows, best, highest] for name in ("radii", "moved"))
    promised = rho * climb.path["slopes"].astype(np.float64)
    full, ahead = promised[rows, best, 0], promised - climb.path["gained"]
    return Diagnostics(
        last_gain=np.maximum(paths[:, -1] - paths[:, :-1].max(axis=1), 0) / shown,
        radius_used=radii / rho if rho else np.ones(len(losses)),
        restart_gap=1 - rises.mean(axis=1) / shown if losses.shape[1] > 1 else np.full(len(losses), np.nan),
        radius_share=moved / np.maximum(full, np.finfo(np.float32).tiny),
        remaining=_remaining(losses[rows, best], ahead[rows, best], highest, resolution) / shown,
        rise=rise,
        single_rise=single,
        resolution=resolution,
    )


def _remaining(losses: np.ndarray, ahead: np.ndarray, highest: np.ndarray, resolution: np.ndarray) -> np.ndarray:
    """Returns what the linearization promises at the highest point, zero where rounding could be all of it."""
    rows, last = np.arange(len(losses)), losses.shape[1] - 1
    # The last point has no gradient: it is judged by that of the point before.
    at_last = ahead[:, last - 1] - (losses[:, last] - losses[:, last - 1])
    found = np.where(highest == last, at_last, ahead[rows, highest])
    return np.where(found <= resolution, 0, found)
