"""Worst-case m-sharpness: E_S [ max_{||delta / c||_p <= rho} L_S(w + delta) - L_S(w) ] (the paper's section II)."""

import dataclasses
import logging
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.maximizers import PGA, Climb, Maximizer, Restarts, check_maximizer, num_starts
from keras_sharpness.measures.climbing import best_paths, climbs
from keras_sharpness.measures.diagnostics import diagnose
from keras_sharpness.measures.readable import Readable, with_error
from keras_sharpness.measures.resolution import warn_of_rounding
from keras_sharpness.measures.sample import Sample, SampleArguments
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.perturbations import Ball
from keras_sharpness.statistics import standard_error
from keras_sharpness.typing import NormName, ScalingName

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)
PAPER_ASCENT = PGA(num_steps=5, step_size=0.05)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class WorstCaseSharpness(Readable):
    """The loss paths of an ascent on each batch, and what follows from them.

    A lower bound of the true worst case: `losses` and `diagnostics` show whether the ascent was still climbing.

    Attributes:
        losses: L_S along the path, shape (num_batches, num_steps + 1); column 0 is L_S(w). With restarts, the path of
            the best one.
        config: Everything needed to repeat the measurement, JSON-ready.
        errors: Error rates along the same path; NaN where they mean nothing.
        diagnostics: Convergence of the ascent, a `Diagnostics`; None where only losses are known.
        restarts: Losses along all paths, shape (num_batches, num_restarts, num_steps + 1).
    """

    losses: np.ndarray
    config: dict[str, Any] = dataclasses.field(default_factory=dict)
    errors: np.ndarray | None = None
    diagnostics: Any = None
    restarts: np.ndarray | None = None

    @property
    def per_batch(self) -> np.ndarray:
        """Largest loss on the path, start included, minus L_S(w); shape (num_batches,), never negative."""
        losses = self.losses.astype(np.float64)
        return losses.max(axis=1) - losses[:, 0]

    @property
    def value(self) -> float:
        """Mean of `per_batch`: the sharpness."""
        return float(self.per_batch.mean())

    @property
    def standard_error(self) -> float:
        """Standard error of `value` over batches; NaN for a single batch."""
        return standard_error(self.per_batch)

    @property
    def error_rise(self) -> float:
        """Error rate where the loss is highest, minus that at w, mean over batches: the sharpness of the error."""
        rises = self._error_rises()
        return float("nan") if rises is None else float(rises.mean())

    @property
    def settled(self) -> bool:
        """Whether a better ascent would hardly find more, as far as `diagnostics` can tell."""
        return self.diagnostics is not None and bool(self.diagnostics.settled)

    def summary(self) -> dict[str, str]:
        """Returns what is shown of it."""
        shown = {"value": with_error(self.value, self.standard_error), "batches": str(len(self.losses))}
        return shown if self.diagnostics is None else shown | {"ascent": self.diagnostics.verdict}

    def columns(self) -> dict[str, ArrayLike]:
        """Returns the columns of `to_frame`, which has a row for each batch."""
        rises = self._error_rises()
        found = {"batch": np.arange(len(self.losses)), "loss": self.losses[:, 0], "sharpness": self.per_batch}
        shown = found | {"error_rise": np.full(len(self.losses), np.nan) if rises is None else rises}
        return shown | ({} if self.diagnostics is None else dataclasses.asdict(self.diagnostics))

    def plot(self) -> "Figure":
        """Returns a figure of the loss paths of all batches."""
        from keras_sharpness.measures import plots

        return plots.paths(self.losses)

    def _error_rises(self) -> np.ndarray | None:
        if self.errors is None:
            return None
        rows = np.arange(len(self.losses))
        return self.errors[rows, self.losses.argmax(axis=1)] - self.errors[:, 0]


def worst_case_sharpness(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    rho: float = 1e-4,
    norm: NormName = "linf",
    scaling: ScalingName = "adaptive",
    maximizer: Maximizer = PAPER_ASCENT,
    *,
    eta: float = 0.0,
    **sample: Unpack[SampleArguments],
) -> WorstCaseSharpness:
    """Measures how far the loss of a batch can rise when the weights move inside a ball, averaged over batches.

    Costs num_batches * num_steps gradients and 2 * num_batches forward passes on m examples, times the restarts. The
    model is left as it was. A warning is logged if the ascent is far from the maximum; see `Diagnostics`.

    Args:
        model: Built Keras model, or a `Sample` in place of model, data and batches.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        rho: Radius of the ball in units of the scale.
        norm: Norm of the ball: "linf", "l2" or "l1".
        scaling: "adaptive" (c = |w|), "none" (c = 1), "per_filter" or "per_layer" (c the norm of these).
        maximizer: How to climb: `PGA`, `APGD`, `SingleStep`, or one of these in `Restarts`.
        eta: Floor added to the scale.
        **sample: `m`, `num_batches`, `seed`, `batches`, `examples`, `training`, `select`, `normalize_logits`,
            `regularization`, `sample_weight`, `class_weight`, `batch_size`, `plan`, `distribution`, `progress`; see
            `Sample`.

    Returns:
        The measurement; `value` and `standard_error` first of all.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    ball = Ball(rho=rho, norm=norm, scaling=scaling, eta=eta)
    found = worst_case(Sample.of(model, x, y, loss, sample), ball, check_maximizer(maximizer))
    found.diagnostics.warn()
    return found


def worst_case(sample: Sample, ball: Ball, maximizer: Maximizer) -> WorstCaseSharpness:
    """Returns the worst-case sharpness of a sample; see `worst_case_sharpness`."""
    warn_of_rounding(sample, ball)
    climb = climbs(sample.grid(num_starts(maximizer)), ball, maximizer)
    config = sample.describe("worst_case_sharpness", **describe_ascent(ball, maximizer))
    return from_climb(climb(*sample.values(), sample.mask()), ball.rho, config)


def from_climb(climb: Climb, rho: float, config: dict[str, Any]) -> WorstCaseSharpness:
    """Returns the measurement that follows from what ascents found.

    Args:
        climb: Its path holds losses, errors and radii, each of shape (num_batches, num_starts, num_steps + 1).
        rho: Radius of the ball.
        config: Settings.

    Raises:
        RuntimeError: If an ascent left the ball.
    """
    losses, errors, radii = (climb.path[name] for name in ("losses", "errors", "radii"))
    _check_path(losses, radii, rho)
    rows, best = np.arange(len(losses)), losses[:, :, 1:].max(axis=2).argmax(axis=1)
    wrong = np.concatenate([errors[:, :1, 0], errors[rows, best, 1:]], axis=1)
    return WorstCaseSharpness(best_paths(losses), config, wrong, diagnose(climb, rho), losses)


def _check_path(losses: np.ndarray, radii: np.ndarray, rho: float) -> None:
    lost = np.count_nonzero(~np.isfinite(losses))
    if lost:
        log.warning("the loss became non-finite at %d of %d points of the ascents", lost, losses.size)
    if np.any(radii > rho * (1 + 1e-4)):
        raise RuntimeError(f"An ascent must stay in the ball. Received: radius {np.nanmax(radii)} of {rho}")


def describe_ascent(ball: Ball, maximizer: Maximizer) -> dict[str, Any]:
    """Returns the settings of ball and maximizer, JSON-ready."""
    return {**dataclasses.asdict(ball), "maximizer": _describe(maximizer)}


def _describe(maximizer: Any) -> dict[str, Any]:
    # Anything with the methods of a maximizer will do; only dataclasses say what their settings are.
    fields = dataclasses.fields(maximizer) if dataclasses.is_dataclass(maximizer) else ()
    settings = {field.name: getattr(maximizer, field.name) for field in fields}
    if isinstance(maximizer, Restarts):
        settings["maximizer"] = _describe(maximizer.maximizer)
    return {"name": type(maximizer).__name__, **settings}
