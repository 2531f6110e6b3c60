"""Worst-case m-sharpness: E_S [ max_{||delta / c||_p <= rho} L_S(w + delta) - L_S(w) ] (the paper's section II)."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.cells import Cells
from keras_sharpness.maximizers import PGA, Maximizer, ascend
from keras_sharpness.measures.batches import check_indices, draw_batches
from keras_sharpness.objective import LossLike, Objective
from keras_sharpness.perturbations import Ball
from keras_sharpness.typing import Array, Data, State, Weights

PAPER_ASCENT = PGA(num_steps=5, step_size=0.05)


@dataclasses.dataclass(frozen=True, eq=False)
class WorstCaseSharpness:
    """The loss paths of an ascent on each batch, and what follows from them.

    A lower bound of the true worst case: `losses` shows whether the ascent was still climbing.

    Attributes:
        losses: L_S along the path, shape (num_batches, num_steps + 1); column 0 is L_S(w).
        config: Everything needed to repeat the measurement, JSON-ready.
    """

    losses: np.ndarray
    config: dict[str, Any] = dataclasses.field(default_factory=dict)

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
        rises = self.per_batch
        return float(rises.std(ddof=1) / np.sqrt(len(rises))) if len(rises) > 1 else float("nan")


def worst_case_sharpness(
    model: keras.Model,
    x: Any,
    y: Any,
    loss: LossLike = None,
    rho: float = 1e-4,
    norm: str = "linf",
    scaling: str = "adaptive",
    maximizer: PGA = PAPER_ASCENT,
    m: int = 64,
    num_batches: int = 50,
    seed: int = 0,
    batches: ArrayLike | None = None,
    training: bool = False,
    examples: ArrayLike | None = None,
    plan: str | None = None,
) -> WorstCaseSharpness:
    """Measures how far the loss of a batch can rise when the weights move inside a ball, averaged over batches.

    Costs num_batches * num_steps gradients and num_batches forward passes on m examples. The model is left as it was.

    Args:
        model: Built Keras model, Sequential, functional or subclassed.
        x: Inputs: an array or structure of arrays, or a `Graph` (node classification; a batch is a set of nodes).
        y: Targets, first axis as the examples of `x`.
        loss: Keras loss, its name or a function of `(y_true, y_pred)`; None takes the compiled loss.
        rho: Radius of the ball in units of the scale.
        norm: Norm of the ball: "linf".
        scaling: "adaptive" (c = |w|) or "none" (c = 1).
        maximizer: How to climb, such as `PGA(num_steps=5, step_size=0.05)`.
        m: Examples in a batch.
        num_batches: Batches, drawn independently and with replacement.
        seed: Seed of the draw.
        batches: Integers of shape (num_batches, m): exactly these examples, instead of `m`, `num_batches` and `seed`.
        training: Whether layers run in training mode. Their noise is then the same at every point of a path.
        examples: Indices to draw the batches from, such as the training nodes of a graph; None: all.
        plan: "vectorized" (many batches climb at once) or "sequential"; None: the faster for the model.

    Returns:
        The measurement; `value` and `standard_error` first of all.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    objective, ball = Objective(model, loss, x, y), Ball(rho=rho, norm=norm, scaling=scaling)
    if batches is None:
        population = np.arange(objective.num_examples) if examples is None else examples
        indices = draw_batches(check_indices(population, 1, objective.num_examples, "examples"), m, num_batches, seed)
    else:
        indices = check_indices(batches, 2, objective.num_examples, "batches")
    weights = [v.value for v in model.trainable_variables]
    state = [v.value for v in model.non_trainable_variables]
    losses = loss_paths(Cells(objective, indices, training, plan), ball, maximizer)(weights, state)
    drawn = {"seed": seed} if batches is None else {"batches": indices.tolist()}
    config = {
        "measure": "worst_case_sharpness",
        "model": model.name,
        "loss": objective.loss_name,
        **describe(ball, maximizer),
        "m": indices.shape[1],
        "num_batches": indices.shape[0],
        **drawn,
        "training": training,
        "backend": keras.config.backend(),
    }
    return WorstCaseSharpness(losses, config)


def describe(ball: Ball, maximizer: PGA) -> dict[str, Any]:
    """Returns the settings of ball and maximizer, JSON-ready."""
    return {
        **dataclasses.asdict(ball),
        "maximizer": {"name": type(maximizer).__name__, **dataclasses.asdict(maximizer)},
    }


def loss_paths(cells: Cells, ball: Ball, maximizer: Maximizer) -> Callable[[Weights, State], np.ndarray]:
    """Compiles the ascent, once for any number of models of the same architecture.

    Args:
        cells: The loss and the batches.
        ball: The set of perturbations.
        maximizer: How to climb.

    Returns:
        A function of (weights, state) that returns the losses along the paths, shape (num_batches, num_steps + 1).
    """

    def climb(weights: Weights, state: State, data: Data, batches: Array) -> Array:
        def losses(delta: Weights) -> Array:
            return cells.losses(weights, state, data, delta, batches)

        return ascend(maximizer, losses, ball.around(weights), cells.zeros(weights), cells.scan)

    return cells.compile(climb)
