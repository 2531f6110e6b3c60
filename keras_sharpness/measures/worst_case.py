"""Worst-case m-sharpness: E_S [ max_{||delta / c||_p <= rho} L_S(w + delta) - L_S(w) ] (the paper's section II)."""

import dataclasses
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from keras_sharpness import backend
from keras_sharpness.execution.cells import Cells, GridFunction
from keras_sharpness.maximizers import PGA, Climb, Maximizer, Restarts, ascend, restarts_of
from keras_sharpness.measures import plots
from keras_sharpness.measures.sample import describe, mask, sample_cells
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.objective.objective import values
from keras_sharpness.objective.selection import Selection
from keras_sharpness.perturbations import Ball, Region
from keras_sharpness.typing import Cell, Data, State, Weights

log = logging.getLogger(__name__)
PAPER_ASCENT = PGA(num_steps=5, step_size=0.05)


@dataclasses.dataclass(frozen=True, eq=False)
class Diagnostics:
    """How far a worst-case sharpness can be trusted, an entry for each batch.

    Attributes:
        last_gain: Share of the rise that the last step added: near zero where the ascent has settled.
        radius_used: Radius ||delta / c|| of the highest point, as a share of rho: one on the boundary.
        restart_gap: Rise of the best restart over that of the mean one, as a share of the best; NaN without restarts.
            Near zero where the maximum does not depend on the start.
    """

    last_gain: np.ndarray
    radius_used: np.ndarray
    restart_gap: np.ndarray

    def __str__(self) -> str:
        """Returns the means in one line."""
        names = ("last_gain", "radius_used", "restart_gap")
        return ", ".join(f"{name} {np.mean(getattr(self, name)):.3f}" for name in names)


@dataclasses.dataclass(frozen=True, eq=False)
class WorstCaseSharpness:
    """The loss paths of an ascent on each batch, and what follows from them.

    A lower bound of the true worst case: `losses` and `diagnostics` show whether the ascent was still climbing.

    Attributes:
        losses: L_S along the path, shape (num_batches, num_steps + 1); column 0 is L_S(w). With restarts, the path of
            the best one.
        config: Everything needed to repeat the measurement, JSON-ready.
        errors: Error rates along the same path; NaN where they mean nothing.
        diagnostics: Convergence of the ascent.
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
        if self.errors is None:
            return float("nan")
        rows = np.arange(len(self.losses))
        return float((self.errors[rows, self.losses.argmax(axis=1)] - self.errors[:, 0]).mean())

    def plot(self) -> Figure:
        """Returns a figure of the loss paths of all batches."""
        return plots.paths(self.losses)


def worst_case_sharpness(
    model: keras.Model,
    x: Any,
    y: Any = None,
    loss: LossLike = None,
    rho: float = 1e-4,
    norm: str = "linf",
    scaling: str = "adaptive",
    maximizer: Maximizer = PAPER_ASCENT,
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
) -> WorstCaseSharpness:
    """Measures how far the loss of a batch can rise when the weights move inside a ball, averaged over batches.

    Costs num_batches * num_steps gradients and num_batches forward passes on m examples, times the restarts. The model
    is left as it was.

    Args:
        model: Built Keras model, Sequential, functional or subclassed.
        x: Inputs: an array or structure of arrays, a `Graph` (node classification; a batch is a set of nodes), or
            batches of (inputs, targets): `tf.data.Dataset`, `keras.utils.PyDataset`, PyTorch `DataLoader`.
        y: Targets, first axis as the examples of `x`; None where `x` yields them.
        loss: Keras loss, its name or a function of `(y_true, y_pred)`, or one for each output; None takes the compiled
            loss.
        rho: Radius of the ball in units of the scale.
        norm: Norm of the ball: "linf", "l2" or "l1".
        scaling: "adaptive" (c = |w|), "none" (c = 1), "per_filter" or "per_layer" (c the norm of these).
        maximizer: How to climb: `PGA`, `APGD`, `SingleStep`, or one of these in `Restarts`.
        m: Examples in a batch; None: one batch of all examples.
        num_batches: Batches, drawn independently and with replacement.
        seed: Seed of the draw.
        batches: Integers of shape (num_batches, m): exactly these examples, instead of `m`, `num_batches` and `seed`.
        training: Whether layers run in training mode. Their noise is then the same at every point of a path.
        examples: Indices to draw the batches from, such as the training nodes of a graph; None: all.
        select: Which weights move: "all", "no_biases", "no_normalization", "kernels", names or patterns of layers or
            weights, or a function of a variable.
        eta: Floor added to the scale.
        normalize_logits: Whether logits are centred and divided by their norm before the loss (arXiv:2302.07011).
        batch_size: Examples in one forward pass, where all m at once would not fit the memory.
        plan: "vectorized" (many batches climb at once) or "sequential"; None: the faster for the model.
        distribution: A `tf.distribute.Strategy`, `keras.distribution.DataParallel` or `torch.distributed.ProcessGroup`
            to share out the batches over; None: this process alone. The numbers do not depend on it.

    Returns:
        The measurement; `value` and `standard_error` first of all.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    ball = Ball(rho=rho, norm=norm, scaling=scaling, eta=eta)
    cells = sample_cells(
        model, x, y, loss, m=m, num_batches=num_batches, seed=seed, batches=batches, examples=examples,
        draws=restarts_of(maximizer), training=training, normalize_logits=normalize_logits,
        batch_size=batch_size, plan=plan, distribution=distribution,
    )  # fmt: skip
    climb = climbs(cells, ball, maximizer)
    path = climb(*values(model), mask(model, select)).path
    settings = describe_ascent(ball, maximizer) | {"select": _name(select), "training": training}
    settings |= {"normalize_logits": normalize_logits}
    return from_path(path, rho, describe("worst_case_sharpness", cells, seed=seed, batches=batches, **settings))


def climbs(
    cells: Cells, ball: Ball, maximizer: Maximizer, *, details: bool = True, keep_best: bool = False
) -> Callable[..., Climb]:
    """Compiles the ascent, once for any number of models of the same architecture.

    Args:
        cells: The loss and the batches, a cell for each restart.
        ball: The set of perturbations.
        maximizer: How to climb.
        details: Whether to record error rates and radii beside the losses.
        keep_best: Whether to return the highest perturbations too.

    Returns:
        A function of (weights, state, mask=None, rho=None), the last two as of `Ball.around`, that returns what the
        ascents met: their `path`, shape (num_batches, num_restarts, num_steps + 1, 3 or 1), and `best`.
    """
    run = _compile(cells, ball, maximizer, details, keep_best)

    def climb(weights: Weights, state: State, mask: Weights | None = None, rho: float | None = None) -> Climb:
        # A tensor, so that another radius does not compile anew.
        return run(weights, state, mask, None if rho is None else keras.ops.convert_to_tensor(rho, "float32"))

    return climb


def _compile(cells: Cells, ball: Ball, maximizer: Maximizer, details: bool, keep_best: bool) -> GridFunction:
    def block(weights: Weights, state: State, data: Data, cell: Cell, mask: Weights | None, rho: Any) -> Climb:
        region = ball.around(weights, mask, rho)
        at = (weights, state, data)
        return ascend(
            maximizer,
            lambda delta: cells.values(*at, delta, cell),
            lambda delta: cells.values_and_gradients(*at, delta, cell),
            region,
            _starts(cells, maximizer, region, weights, cell),
            cells.scan,
            details,
            keep_best,
        )

    return cells.compile(block)


def loss_paths(cells: Cells, ball: Ball, maximizer: Maximizer) -> Callable[..., Iterator[np.ndarray]]:
    """Returns a compiled function from models to their losses along the paths, shape (num_batches, num_steps + 1).

    It takes (weights, state) of one model after another and, if not the ball's, a radius, and yields the path of the
    best restart on each batch, as `WorstCaseSharpness.losses` has them.
    """
    run = _compile(cells, ball, maximizer, details=False, keep_best=False)

    def paths(models: Iterable[tuple[Weights, State]], rho: float | None = None) -> Iterator[np.ndarray]:
        radius = None if rho is None else np.float32(rho)
        climbs = run.over((weights, state, None, radius) for weights, state in models)
        return (best_paths(climb.path[..., 0]) for climb in climbs)

    return paths


def best_paths(losses: np.ndarray) -> np.ndarray:
    """Returns the path of the best restart of each batch, shape (num_batches, num_steps + 1), column 0 being L_S(w).

    Args:
        losses: Losses along all paths, shape (num_batches, num_restarts, num_steps + 1); the first restart begins at
            the weights themselves.
    """
    best = losses[:, :, 1:].max(axis=2).argmax(axis=1)
    return np.concatenate([losses[:, :1, 0], losses[np.arange(len(losses)), best, 1:]], axis=1)


def from_path(path: np.ndarray, rho: float, config: dict[str, Any]) -> WorstCaseSharpness:
    """Returns the measurement that follows from what ascents met.

    Args:
        path: Losses, error rates, radii; shape (num_batches, num_restarts, num_steps + 1, 3).
        rho: Radius of the ball.
        config: Settings.

    Raises:
        RuntimeError: If an ascent left the ball.
    """
    losses, errors, radii = np.moveaxis(path, -1, 0)
    lost = np.count_nonzero(~np.isfinite(losses))
    if lost:
        log.warning("the loss is not finite at %d of %d points of the ascents", lost, losses.size)
    if np.any(radii > rho * (1 + 1e-4)):
        raise RuntimeError(f"An ascent must stay in the ball. Received: radius {np.nanmax(radii)} of {rho}")
    rows, best = np.arange(len(losses)), losses[:, :, 1:].max(axis=2).argmax(axis=1)
    start, chosen = losses[:, :1, 0], best_paths(losses)
    wrong = np.concatenate([errors[:, :1, 0], errors[rows, best, 1:]], axis=1)
    rises = losses[:, :, 1:].max(axis=2) - start
    rise = np.maximum(rises.max(axis=1), np.finfo(np.float32).tiny)
    highest = losses[rows, best].argmax(axis=1)
    gains = chosen[:, -1] - chosen[:, :-1].max(axis=1)
    gap = 1 - rises.mean(axis=1) / rise if losses.shape[1] > 1 else np.full(len(losses), np.nan)
    used = radii[rows, best, highest] / rho if rho else np.ones(len(losses))
    diagnostics = Diagnostics(np.maximum(gains, 0) / rise, used, gap)
    return WorstCaseSharpness(chosen, config, wrong, diagnostics, losses)


def standard_error(values: np.ndarray) -> float:
    """Returns the standard error of a mean of independent values; NaN for a single one."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def describe_ascent(ball: Ball, maximizer: Maximizer) -> dict[str, Any]:
    """Returns the settings of ball and maximizer, JSON-ready."""
    return {**dataclasses.asdict(ball), "maximizer": _describe(maximizer)}


def _describe(maximizer: Any) -> dict[str, Any]:
    fields = {f.name: getattr(maximizer, f.name) for f in dataclasses.fields(maximizer)}
    if isinstance(maximizer, Restarts):
        fields["maximizer"] = _describe(maximizer.maximizer)
    return {"name": type(maximizer).__name__, **fields}


def _starts(cells: Cells, maximizer: Maximizer, region: Region, weights: Weights, cell: Cell) -> Weights:
    if not isinstance(maximizer, Restarts):
        return cells.zeros(weights)
    start = backend.vectorize(lambda batch, draw: maximizer.point(region, batch, draw), in_axes=(0, 0))
    return start(cell["batch"], cell["draw"])


def _name(selection: Selection) -> str | list[str]:
    if callable(selection):
        return getattr(selection, "__name__", "function")
    return selection if isinstance(selection, str) else list(selection)
