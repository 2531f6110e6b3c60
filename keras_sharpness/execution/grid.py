"""The grid of (batch, draw) that every measure of batches works through."""

import copy
import logging
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.distribution import distribute
from keras_sharpness.errors import InputError, reason, require, require_count
from keras_sharpness.execution import compiled
from keras_sharpness.execution.averaging import Averaging
from keras_sharpness.execution.blocks import Blocks
from keras_sharpness.execution.evaluation import Evaluation
from keras_sharpness.execution.evaluators import Evaluator, copy_by_copy, stacked, weighted
from keras_sharpness.execution.plan import choose_plan
from keras_sharpness.execution.progress import follow
from keras_sharpness.execution.stack import stack
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.layers import hops, is_stackable
from keras_sharpness.objective.objective import Objective
from keras_sharpness.objective.pieces import Pieces, pieces_of
from keras_sharpness.typing import Array, Block, State, Weights

log = logging.getLogger(__name__)


class Grid:
    """Draws of batches, a cell for each; runs functions of a block of cells over all of them.

    On a graph, only what the batches' nodes depend on is kept, where that is known.

    Attributes:
        batches: The batches, integers of shape (num_batches, m).
        draws: Cells for each batch.
    """

    def __init__(
        self,
        objective: Objective,
        data: LabelledData,
        batches: np.ndarray,
        *,
        draws: int = 1,
        training: bool = False,
        plan: str | None = None,
        batch_size: int | None = None,
        distribution: Any = None,
        progress: bool = False,
    ) -> None:
        """Lays out the work.

        Args:
            objective: The loss.
            data: Inputs and targets.
            batches: Examples of each batch, integers of shape (num_batches, m).
            draws: Cells for each batch.
            training: Whether layers run in training mode.
            plan: "vectorized" or "sequential"; None: the faster.
            batch_size: Examples in one forward pass, which bounds the memory; None: the whole batch. Losses and
                gradients are averages over the passes.
            distribution: Where blocks run; None: in this process.
            progress: Whether a bar shows the blocks of a function of one model.

        Raises:
            InputError: If there is no such plan, or it does not fit the model, or a number is too small.
        """
        require_count("batch_size", 1 if batch_size is None else batch_size)
        options = {"training": training, "batch_size": batch_size, "distribution": distribution, "progress": progress}
        self._make_sequential: Callable[[], Grid] = partial(
            Grid, objective, data, batches, draws=draws, plan="sequential", **options
        )
        self._sequential: Grid | None = None
        self.batches, self.draws, self._distribution = batches, draws, distribute(distribution)
        self._progress = progress and self._distribution.is_chief
        _check_shares(self._distribution.shares, batches.shape[1], training)
        self._functions: dict[Hashable, Callable[..., Any]] = {}
        self._model, places, field = objective.model, batches, None
        reach = hops(objective.model) if data.graph is not None else None
        if reach and not training:
            data, field = data.on_field(np.unique(batches), reach)
            places = field.places(batches)
        self._data = data.tensors
        chosen, shares = choose_plan(objective.model, plan), self._distribution.shares
        # Devices cannot meet inside a compiled loop.
        scan = chosen.scan if shares == 1 else backend.unrolled
        averaging = Averaging(batches.shape[1], batch_size, scan, shares, self._distribution.mean)
        size = chosen.block_size(len(batches) * draws, None if objective.on_graph else averaging.piece_sizes[0])
        self._blocks = Blocks(places, draws, size, shares)
        pure, self._key = compiled.without_hold(objective), None
        cut = shares > 1 or len(averaging.piece_sizes) > 1
        pieces = pieces_of(objective, data, places, training) if cut else "mean"
        if field is not None and chosen.vectorized and is_stackable(objective.model):
            evaluator = stacked(pure, stack(objective.model, size, field), size)
        else:
            evaluator = _evaluator(pure, training, size, pieces)
            self._key = compiled.objective_key(objective, training, batch_size, size, chosen, shares, pieces)
        self._may_fail = chosen.vectorized and plan is None
        stepwise = not chosen.loops_compiled and shares == 1
        factor = _factor(pieces, batches.shape[1])
        self._evaluation = Evaluation(evaluator, averaging, size, scan, stepwise, factor)

    def on(self, data: LabelledData, batches: np.ndarray) -> "Grid":
        """Returns the same grid of other data, not of a graph, and as many batches; what is compiled serves both."""
        other = copy.copy(self)
        other.batches, other._data, shares = batches, data.tensors, self._distribution.shares
        other._blocks = Blocks(batches, self.draws, self._blocks.size, shares)
        # What takes the other's place once cells have failed to run at once must be of its data too.
        other._make_sequential, other._sequential = lambda: self._one_by_one().on(data, batches), None
        return other

    def compile(
        self,
        make: Callable[[Evaluation], Callable[..., Any]],
        key: Hashable | None = None,
        compiles_itself: bool = False,
    ) -> "GridFunction":
        """Compiles a function of one block, to be run on all; one that was compiled before is used again.

        Args:
            make: From the evaluation of a block's losses to a function of (weights, state, data, block, *more) that
                returns a structure of arrays whose first axis is the cells. `block` holds "batch" and "draw", shape
                (size,), and the examples. It must hold on to nothing but the evaluation.
            key: All that the function depends on besides the evaluation; None: it is compiled anew.
            compiles_itself: Whether what `make` returns has compiled its parts where the evaluation is `stepwise`.

        Returns:
            A function of (weights, state, *more) that returns the results of all cells, NumPy arrays of shape
            (num_batches, draws, ...).
        """
        if self._sequential is not None:
            return self._sequential.compile(make, key, compiles_itself)

        def compile_block() -> Callable[..., Any]:
            block = make(self._evaluation)
            return block if compiles_itself and self._evaluation.stepwise else self._distribution.compile(block)

        function = compile_block() if key is None else self._kept(key, compile_block)
        otherwise = lambda: self._one_by_one().compile(make, key, compiles_itself)  # noqa: E731
        number, gather = len(self._blocks), self._blocks.gather_structures

        def of_one(model: tuple[Any, ...]) -> Any:
            results = self._run(function, [model], self._blocks)
            return gather([*follow(results, number, "block", self._progress)])

        return GridFunction(
            lambda models: map(gather, _parts(self._run(function, models, [*self._blocks]), number)),
            of_one,
            lambda model: self._run(function, [model], islice(self._blocks, 1)),
            otherwise if self._may_fail else None,
        )

    def _one_by_one(self) -> "Grid":
        """Returns the grid that takes this one's place once cells have failed to run at once."""
        if self._sequential is None:
            self._sequential = self._make_sequential()
        return self._sequential

    def _kept(self, key: Hashable, compile_block: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
        """Returns what this grid, or an equal one of the same model, has compiled before."""
        if key not in self._functions:
            known = None if self._key is None else (self._key, key)
            self._functions[key] = compiled.keep(self._model, known, compile_block)
        return self._functions[key]

    def _run(
        self, function: Callable[..., Any], models: Iterable[tuple[Any, ...]], blocks: Iterable[Block]
    ) -> Iterator[Any]:
        data = self._distribution.place(self._data)
        calls = ((weights, state, data, block, *more) for weights, state, *more in models for block in blocks)
        return self._distribution.map(function, calls)


class GridFunction:
    """A function of weights and state over a whole grid.

    Attributes:
        over: The same for many models, whose blocks then run at the same time: a function from an iterable of
            (weights, state, *more) to an iterator of the results.
    """

    def __init__(
        self,
        over: Callable[[Iterable[tuple[Any, ...]]], Iterator[Any]],
        of_one: Callable[[tuple[Any, ...]], Any],
        on_first_block: Callable[[tuple[Any, ...]], Iterator[Any]],
        otherwise: "Callable[[], GridFunction] | None" = None,
    ) -> None:
        """Wraps the function.

        Args:
            over: The function of many models.
            of_one: The same of one model.
            on_first_block: The same of one model, on its first block alone.
            otherwise: Makes the function that runs cells one after another, where that need not be so. Not every
                operation can be vectorized: that turns up only when it is tried.
        """
        self.over, self._of_one, self._on_first_block, self._otherwise = over, of_one, on_first_block, otherwise

    def __call__(self, weights: Weights, state: State, *more: Any) -> Any:
        """Returns the results of all cells of one model."""
        model = (weights, state, *more)
        try:
            return self._of_one(model)
        except Exception as error:  # Whatever the backend raises for an operation that it cannot vectorize.
            if self._otherwise is None or isinstance(error, InputError):
                raise
            log.info("batches run one after another, since many at once failed: %s", reason(error))
            return self._otherwise()(*model)

    def prepare(self, weights: Weights, state: State, *more: Any) -> None:
        """Runs the first block only, so that the function is compiled."""
        for _ in self._on_first_block((weights, state, *more)):
            pass


def _parts(results: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """Yields the results of each model, `size` blocks."""
    while parts := [*islice(results, size)]:
        yield parts


def _check_shares(shares: int, m: int, training: bool) -> None:
    # Batch statistics and dropout masks of a part are not those of the whole.
    require(shares == 1 or not training, "examples must be split only in inference mode", training=training)
    require(m >= shares, "`m` must be at least the number of devices that split it", m=m, devices=shares)


def _evaluator(objective: Objective, training: bool, size: int, pieces: Pieces) -> Evaluator:
    if pieces == "mean":
        return copy_by_copy(objective, training, size)
    return weighted(objective, training, size, sums=pieces == "sum")


def _factor(pieces: Pieces, m: int) -> Callable[[Array], Array] | None:
    """Returns what makes the losses of batches of means over pieces, from the masses of the batches."""
    if pieces == "sum":
        return lambda masses: ops.full_like(masses, m)
    return None if pieces == "mean" else lambda masses: ops.divide_no_nan(1.0, masses)
