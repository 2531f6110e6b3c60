"""The grid of (perturbation, batch) that every measure works through, in blocks of cells that run at once."""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.arrays import tree
from keras_sharpness.distribution import distribute
from keras_sharpness.distribution.structures import Shared
from keras_sharpness.errors import require, require_count
from keras_sharpness.execution.plan import choose_plan
from keras_sharpness.execution.stack import is_stackable, stack
from keras_sharpness.maximizers.ascent import Values
from keras_sharpness.objective.objective import Objective
from keras_sharpness.typing import Array, Cell, Data, State, Weights

# Numbers in the activations of a block of cells, about: what bounds the memory where batches are large.
MOST_ACTIVATIONS = 2**24


class Cells:
    """Losses at perturbations of the weights, each on its batch of examples.

    A cell is one draw of one batch: `draws` cells share each batch. On a graph, only what the batches' nodes depend on
    is kept, where that is known.

    Attributes:
        size: Cells in a block.
        scan: How loops run.
        batches: The batches, integers of shape (num_batches, m).
        draws: Cells for each batch.
    """

    def __init__(
        self,
        objective: Objective,
        batches: np.ndarray,
        *,
        draws: int = 1,
        training: bool = False,
        plan: str | None = None,
        batch_size: int | None = None,
        distribution: Any = None,
    ) -> None:
        """Lays out the work.

        Args:
            objective: The loss.
            batches: Examples of each batch, integers of shape (num_batches, m).
            draws: Cells for each batch.
            training: Whether layers run in training mode.
            plan: "vectorized" or "sequential"; None: the faster.
            batch_size: Examples in one forward pass, which bounds the memory; None: the whole batch. Losses and
                gradients are averages over the passes.
            distribution: Where blocks run; None: in this process.

        Raises:
            InputError: If there is no such plan, or it does not fit the model, or a number is too small.
        """
        require_count("batch_size", 1 if batch_size is None else batch_size)
        chosen, m = choose_plan(objective, plan), batches.shape[1]
        self.batches, self.draws, self._distribution = batches, draws, distribute(distribution)
        shares = self._distribution.shares
        # Batch statistics and dropout masks of a part are not those of the whole.
        require(shares == 1 or not training, "examples must be split in inference mode alone", training=training)
        require(m >= shares, "`m` must be at least the number of devices that split it", m=m, devices=shares)
        field = None
        if objective.graph is not None and objective.hops and not training:
            objective, field = objective.on_field(np.unique(batches))
            batches = field.places(batches)
        self.objective, self._training = objective, training
        self._places, self._split, self._batch_size = batches.astype(np.int32), m - m % shares, batch_size
        # Blocks of equal size, so that the compiled function is always the same.
        num_cells, most = len(batches) * draws, chosen.most_copies
        stacked = chosen.vectorized and is_stackable(objective.model)
        if objective.graph is None:
            most = min(
                most, max(1, MOST_ACTIVATIONS // (_pieces(m // shares, batch_size)[0] * _width(objective.model)))
            )
        self.size, self._scan = math.ceil(num_cells / math.ceil(num_cells / most)), chosen.scan
        # Devices cannot meet inside a compiled loop.
        self.scan = chosen.scan if shares == 1 else backend.unrolled
        self._stack: Any = stack(objective.model, self.size, field) if field is not None and stacked else None

    def compile(self, block: Callable[..., Any]) -> "GridFunction":
        """Compiles a function of one block, to be run on all.

        Args:
            block: Function of (weights, state, data, cell, *more) that returns a structure of arrays whose first axis
                is the cells. `cell` holds "batch" and "draw", shape (size,), and the examples.

        Returns:
            A function of (weights, state, *more) that returns the results of all cells, NumPy arrays of shape
            (num_batches, draws, ...).
        """
        where = self._distribution
        compiled = where.compile(block)

        def over(models: Iterable[tuple]) -> Iterator[Any]:
            data, cells = where.place(self.objective.data), [*self._blocks()]
            calls = ((weights, state, data, cell, *more) for weights, state, *more in models for cell in cells)
            results = where.map(compiled, calls)
            while parts := [*islice(results, len(cells))]:
                yield keras.tree.map_structure(self._gather, *parts)

        return GridFunction(over)

    def values(self, weights: Weights, state: State, data: Data, delta: Weights, cell: Cell) -> Values:
        """Returns losses and error rates of a block of cells, for use in the function given to `compile`.

        Args:
            weights: Trainable weights.
            state: Non-trainable variables.
            data: As given to the function.
            delta: Perturbations, the weights' shapes after a leading axis of length `size`.
            cell: As given to the function.
        """
        with backend.repeatable():
            return Values(*self._average(cell, lambda piece: self._evaluate(weights, state, data, delta, piece)))

    def values_and_gradients(
        self, weights: Weights, state: State, data: Data, delta: Weights, cell: Cell
    ) -> tuple[Values, Weights]:
        """Returns the same, and the gradient of each loss with respect to its own perturbation."""

        def total(delta: Weights, piece: Array) -> tuple[Array, tuple]:
            losses, errors = self._evaluate(weights, state, data, delta, piece)
            return ops.sum(losses), (losses, errors)

        gradients = backend.value_and_grad(total, has_aux=True)

        def evaluate(piece: Array) -> tuple:
            (_, met), gradient = gradients(delta, piece)
            return met, gradient

        with backend.repeatable():
            met, gradient = self._average(cell, evaluate)
        return Values(*met), gradient

    def zeros(self, weights: Weights) -> Weights:
        """Returns no perturbation for each cell of a block."""
        return [ops.zeros((self.size, *w.shape), w.dtype) for w in weights]

    def _blocks(self) -> Iterator[Cell]:
        num_cells = len(self._places) * self.draws
        for start in range(0, num_cells, self.size):
            # The last block is filled up with copies of its last cell.
            cells = np.minimum(np.arange(start, start + self.size), num_cells - 1)
            batch, draw = (part.astype(np.int32) for part in np.divmod(cells, self.draws))
            cell, examples = {"batch": batch, "draw": draw}, self._places[batch]
            if self._distribution.shares == 1:
                yield cell | {"examples": examples}
            else:
                yield cell | {"examples": Shared(examples[:, : self._split]), "rest": examples[:, self._split :]}

    def _gather(self, *parts: np.ndarray) -> np.ndarray:
        num_cells = len(self._places) * self.draws
        return np.concatenate(parts)[:num_cells].reshape(len(self._places), self.draws, *parts[0].shape[1:])

    def _average(self, cell: Cell, evaluate: Callable[[Array], Any]) -> Any:
        """Returns the average of a function over a cell's examples, wherever they are."""
        own = self._over_pieces(cell["examples"], evaluate)
        rest = self._places.shape[1] - self._split
        if rest:
            # What is left when all have the same number of examples, each does alike.
            everyone = _scaled(self._over_pieces(cell["rest"], evaluate), rest)
            own = _scaled(_sum(_scaled(own, self._split), everyone), 1 / self._places.shape[1])
        return self._distribution.mean(own)

    def _over_pieces(self, examples: Array, evaluate: Callable[[Array], Any]) -> Any:
        """Returns the average of a function over the pieces that examples are cut into, weighted by their sizes."""
        sizes = _pieces(examples.shape[1], self._batch_size)
        whole = sum(size == sizes[0] for size in sizes)
        if len(sizes) == 1:
            return evaluate(examples)
        cut = ops.reshape(examples[:, : whole * sizes[0]], (self.size, whole, sizes[0]))
        total = _scaled(evaluate(cut[:, 0]), sizes[0])

        def add(total: Any, piece: Array) -> tuple[Any, Array]:
            return _sum(total, _scaled(evaluate(piece), sizes[0])), ops.zeros(())

        if whole > 1:
            total, _ = self._scan(add, total, ops.swapaxes(cut, 0, 1)[1:])
        if whole < len(sizes):
            total = _sum(total, _scaled(evaluate(examples[:, whole * sizes[0] :]), sizes[-1]))
        return _scaled(total, 1 / sum(sizes))

    def _evaluate(self, weights: Weights, state: State, data: Data, delta: Weights, examples: Array) -> tuple:
        if self._stack is not None:
            return self._evaluate_stack(weights, state, data, delta, examples)

        def one(delta: Weights, examples: Array) -> tuple[Array, Array]:
            return self.objective.loss_and_error(tree.add(weights, delta), state, data, examples, self._training)

        if self.size == 1:
            loss, error = one([d[0] for d in delta], examples[0])
            return ops.reshape(loss, (1,)), ops.reshape(error, (1,))
        return backend.vectorize(one, in_axes=(0, 0))(delta, examples)

    def _evaluate_stack(self, weights: Weights, state: State, data: Data, delta: Weights, examples: Array) -> tuple:
        inputs, targets = data
        copies = [ops.moveaxis(w + d, 0, -1) for w, d in zip(weights, delta, strict=True)]
        outputs, _ = self._stack.stateless_call(copies, state, inputs, training=False)

        def one(outputs: Array, examples: Array) -> tuple[Array, Array]:
            chosen = ops.take(targets, examples, axis=0), ops.take(outputs, examples, axis=0)
            return self.objective.batch_loss.mean_and_error(*chosen)

        return backend.vectorize(one, in_axes=(0, 0))(ops.moveaxis(outputs, -1, 0), examples)


class GridFunction:
    """A function of weights and state over a whole grid of cells.

    Attributes:
        over: The same for many models, whose blocks then run beside each other: a function from an iterable of
            (weights, state, *more) to an iterator of the results.
    """

    def __init__(self, over: Callable[[Iterable[tuple]], Iterator[Any]]) -> None:
        """Wraps the function."""
        self.over = over

    def __call__(self, weights: Weights, state: State, *more: Any) -> Any:
        """Returns the results of all cells of one model."""
        (result,) = self.over([(weights, state, *more)])
        return result


def _width(model: keras.Model) -> int:
    """Returns about how many numbers the layers of a model make from one example."""
    return sum(v.shape[-1] for v in model.trainable_variables if len(v.shape) > 1) or 1


def _pieces(m: int, batch_size: int | None) -> list[int]:
    """Returns the sizes of the pieces of a batch: equal ones, then what is left."""
    size = min(m, batch_size or m)
    return [size] * (m // size) + [m % size] * (m % size > 0)


def _scaled(structure: Any, factor: float) -> Any:
    return keras.tree.map_structure(lambda a: factor * a, structure)


def _sum(a: Any, b: Any) -> Any:
    return keras.tree.map_structure(lambda x, y: x + y, a, b)
