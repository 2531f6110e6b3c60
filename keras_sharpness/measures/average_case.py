"""Average-case sharpness: E_S E_delta [ L_S(w + delta) - L_S(w) ] (arXiv:2302.07011, section 2)."""

import dataclasses
from collections.abc import Callable
from typing import Any, Unpack, get_args

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.arrays import noise, tree
from keras_sharpness.errors import require, require_count, require_seed
from keras_sharpness.execution.evaluation import Evaluation
from keras_sharpness.measures.readable import Readable, with_error
from keras_sharpness.measures.resolution import warn_of_rounding
from keras_sharpness.measures.sample import BatchArguments, Sample
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.perturbations import Ball, Region
from keras_sharpness.statistics import standard_error
from keras_sharpness.typing import Array, Block, Data, NoiseName, ScalingName, State, Weights

KINDS = get_args(NoiseName)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class AverageCaseSharpness(Readable):
    """The loss at random perturbations.

    Attributes:
        losses: L_S(w + delta), shape (num_batches, num_draws).
        unperturbed: L_S(w), shape (num_batches,).
        error_rises: Rise of the error rate, shape (num_batches, num_draws); NaN where it means nothing.
        config: Everything needed to repeat the measurement, JSON-ready.
    """

    losses: np.ndarray
    unperturbed: np.ndarray
    error_rises: np.ndarray
    config: dict[str, Any]

    @property
    def per_batch(self) -> np.ndarray:
        """Mean rise of each batch, shape (num_batches,); it can be negative."""
        return self.losses.astype(np.float64).mean(axis=1) - self.unperturbed

    @property
    def value(self) -> float:
        """Mean of `per_batch`: the sharpness."""
        return float(self.per_batch.mean())

    @property
    def standard_error(self) -> float:
        """Standard error of `value`: over batches, whose draws are their own; over pairs for a single batch."""
        if len(self.losses) > 1:
            return standard_error(self.per_batch)
        pairs = self.losses[0].astype(np.float64)
        return standard_error(pairs[: len(pairs) // 2 * 2].reshape(-1, 2).mean(axis=1))

    @property
    def error_rise(self) -> float:
        """Mean rise of the error rate."""
        return float(self.error_rises.mean())

    def summary(self) -> dict[str, str]:
        """Returns what is shown of it."""
        num_batches, num_draws = self.losses.shape
        shown = with_error(self.value, self.standard_error)
        return {"value": shown, "batches": str(num_batches), "draws": str(num_draws)}

    def columns(self) -> dict[str, ArrayLike]:
        """Returns the columns of `to_frame`, which has a row for each draw of each batch."""
        batch, draw = np.indices(self.losses.shape)
        rises = self.losses - self.unperturbed[:, None]
        shown = {"batch": batch, "draw": draw, "loss": self.losses, "rise": rises, "error_rise": self.error_rises}
        return {name: values.ravel() for name, values in shown.items()}


def average_case_sharpness(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    rho: float = 1e-4,
    scaling: ScalingName = "adaptive",
    kind: NoiseName = "gaussian",
    num_draws: int = 10,
    *,
    seed: int = 0,
    eta: float = 0.0,
    **sample: Unpack[BatchArguments],
) -> AverageCaseSharpness:
    """Measures how far the loss rises on average when the weights are perturbed at random.

    Perturbations come in pairs, delta and -delta, so that the slope of the loss, which averages out, adds no noise.
    Costs num_batches * (num_draws + 1) forward passes on m examples. The perturbations are the same on every backend.
    The model is left as it was.

    Args:
        model: Built Keras model, or a `Sample` in place of model, data and batches.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        rho: Standard deviation (gaussian) or half width (uniform) of the noise, in units of the scale.
        scaling: "adaptive" (c = |w|), "none" (c = 1), "per_filter" or "per_layer".
        kind: Distribution of the noise, "gaussian" or "uniform".
        num_draws: Perturbations of each batch.
        seed: Seed of the perturbations, and of the batches.
        eta: Floor added to the scale.
        **sample: `m`, `num_batches`, `batches`, `examples`, `training`, `select`, `normalize_logits`, `regularization`,
            `sample_weight`, `class_weight`, `batch_size`, `plan`, `distribution`, `progress`; see `Sample`.

    Returns:
        The measurement.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    require_count("num_draws", num_draws)
    require_seed(seed)
    require(kind in KINDS, f"`kind` must be one of {', '.join(KINDS)}", kind=kind)
    ball = Ball(rho=rho, scaling=scaling, eta=eta)
    work = Sample.of(model, x, y, loss, sample, BatchArguments, seed=seed)
    return average_case(work, ball, kind, num_draws, seed)


def average_case(sample: Sample, ball: Ball, kind: NoiseName, num_draws: int, seed: int) -> AverageCaseSharpness:
    """Returns the average-case sharpness of a sample; see `average_case_sharpness`."""

    def make(evaluation: Evaluation) -> Callable[..., tuple[Any, ...]]:
        def values(weights: Weights, state: State, data: Data, block: Block, mask: Any, rho: Any) -> tuple[Any, ...]:
            region = ball.around(weights, mask, rho)
            draw = evaluation.for_each(lambda batch, draw: _perturbation(region, kind, seed, batch, draw))
            return tuple(evaluation.values(weights, state, data, draw(block["batch"], block["draw"]), block))

        return values

    warn_of_rounding(sample, ball)
    key = ("average_case", kind, seed, ball.scaling, ball.eta)
    run = sample.grid(num_draws + 1).compile(make, key)
    losses, errors = run(*sample.values(), sample.mask(), np.float32(ball.rho))
    # The noise has no norm.
    settings = {"rho": ball.rho, "scaling": ball.scaling, "eta": ball.eta, "kind": kind}
    config = sample.describe("average_case_sharpness", **settings, num_draws=num_draws, noise_seed=seed)
    return AverageCaseSharpness(losses[:, 1:], losses[:, 0], errors[:, 1:] - errors[:, :1], config)


def _perturbation(region: Region, kind: str, seed: int, batch: Array, draw: Array) -> Weights:
    """Returns the noise of a draw: none for draw zero; draws 1 and 2, 3 and 4 and so on differ by their sign."""
    keys = (seed, batch, (draw + 1) // 2)
    shapes = [c.shape for c in region.scale]
    if kind == "gaussian":
        sample = [noise.normal(shape, *keys, k) for k, shape in enumerate(shapes)]
    else:
        sample = [2 * noise.uniform(shape, *keys, k) - 1 for k, shape in enumerate(shapes)]
    sign = keras.ops.cast(2 * (draw % 2) - 1, "float32") * keras.ops.cast(draw > 0, "float32")
    delta = tree.scale(region.rho, tree.multiply(region.scale, tree.cast_like(sample, region.scale)))
    return tree.scale(sign, delta)
