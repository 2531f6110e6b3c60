"""Average-case sharpness: E_S E_delta [ L_S(w + delta) - L_S(w) ] (arXiv:2302.07011, section 2)."""

import dataclasses
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness import backend
from keras_sharpness.arrays import noise, tree
from keras_sharpness.errors import require, require_count
from keras_sharpness.measures.sample import describe, mask, sample_cells
from keras_sharpness.measures.worst_case import standard_error
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.objective.objective import values
from keras_sharpness.objective.selection import Selection
from keras_sharpness.perturbations import Ball, Region
from keras_sharpness.typing import Array, Cell, Data, State, Weights

KINDS = ("gaussian", "uniform")


@dataclasses.dataclass(frozen=True, eq=False)
class AverageCaseSharpness:
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


def average_case_sharpness(
    model: keras.Model,
    x: Any,
    y: Any = None,
    loss: LossLike = None,
    rho: float = 1e-4,
    scaling: str = "adaptive",
    kind: str = "gaussian",
    num_draws: int = 10,
    m: int | None = 64,
    num_batches: int = 50,
    seed: int = 0,
    batches: ArrayLike | None = None,
    training: bool = False,
    examples: ArrayLike | None = None,
    select: Selection = "all",
    eta: float = 0.0,
    normalize_logits: bool = False,
    batch_size: int | None = None,
    plan: str | None = None,
    distribution: Any = None,
) -> AverageCaseSharpness:
    """Measures how far the loss rises on average when the weights are perturbed at random.

    Perturbations come in pairs, delta and -delta, so that the slope of the loss, which averages out, adds no noise.
    Costs num_batches * (num_draws + 1) forward passes on m examples. The perturbations are the same on every backend.
    The model is left as it was.

    Args:
        model: Built Keras model.
        x: Inputs; see `worst_case_sharpness`.
        y: Targets.
        loss: The loss; None takes the compiled one.
        rho: Standard deviation (gaussian) or half width (uniform) of the noise, in units of the scale.
        scaling: "adaptive" (c = |w|), "none" (c = 1), "per_filter" or "per_layer".
        kind: Distribution of the noise, "gaussian" or "uniform".
        num_draws: Perturbations of each batch.
        m: Examples in a batch; None: one batch of all examples.
        num_batches: Batches, drawn independently and with replacement.
        seed: Seed of batches and perturbations.
        batches: Exactly these examples, shape (num_batches, m).
        training: Whether layers run in training mode.
        examples: Indices to draw the batches from; None: all.
        select: Which weights move.
        eta: Floor added to the scale.
        normalize_logits: Whether logits are normalized before the loss.
        batch_size: Examples in one forward pass.
        plan: "vectorized" or "sequential"; None: the faster.
        distribution: Devices or processes to share out the work over; see `worst_case_sharpness`.

    Returns:
        The measurement.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    require_count("num_draws", num_draws)
    require(kind in KINDS, f"`kind` must be one of {', '.join(KINDS)}", kind=kind)
    ball = Ball(rho=rho, scaling=scaling, eta=eta)
    cells = sample_cells(
        model, x, y, loss, m=m, num_batches=num_batches, seed=seed, batches=batches, examples=examples,
        training=training, normalize_logits=normalize_logits, draws=num_draws + 1, batch_size=batch_size, plan=plan,
        distribution=distribution,
    )  # fmt: skip

    def block(weights: Weights, state: State, data: Data, cell: Cell, mask: Weights | None) -> Any:
        region = ball.around(weights, mask)
        draw = backend.vectorize(lambda batch, draw: _perturbation(region, kind, seed, batch, draw), in_axes=(0, 0))
        return tuple(cells.values(weights, state, data, draw(cell["batch"], cell["draw"]), cell))

    losses, errors = cells.compile(block)(*values(model), mask(model, select))
    config = dataclasses.asdict(ball) | {"kind": kind, "num_draws": num_draws, "training": training}
    config = describe("average_case_sharpness", cells, seed=seed, batches=batches, **config)
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
    return tree.scale(sign * region.rho, tree.multiply(region.scale, sample))
