"""What is measured on: a model, its loss, and batches of its data. Made once, measured any number of times."""

import copy
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, TypedDict, cast

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness import backend
from keras_sharpness.backend.forks import require_threads
from keras_sharpness.errors import require, require_options
from keras_sharpness.execution import compiled
from keras_sharpness.execution.grid import Grid
from keras_sharpness.measures.batches import check_indices, draw_batches
from keras_sharpness.measures.checked_data import STREAMED, CheckedData
from keras_sharpness.objective.example_source import open_examples
from keras_sharpness.objective.graph import Graph
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.objective.measurable import (
    require_eager,
    require_logits,
    require_measurable,
    require_passes,
)
from keras_sharpness.objective.objective import Objective, perturbation_dtype, values
from keras_sharpness.objective.selection import Selection
from keras_sharpness.objective.selection import select as select_weights
from keras_sharpness.typing import PlanName, State, Weights


class LossArguments(TypedDict, total=False):
    """Arguments of `Sample` that say what the loss is and what it is averaged over; documented there."""

    examples: ArrayLike | None
    training: bool
    select: Selection
    normalize_logits: bool
    batch_size: int | None
    sample_weight: Any
    class_weight: Mapping[int, float] | None
    regularization: bool
    progress: bool


class DataArguments(LossArguments, total=False):
    """Arguments of `Sample` for measures that draw no batches; documented there."""

    plan: PlanName | None
    distribution: Any


class BatchArguments(DataArguments, total=False):
    """Keyword arguments of `Sample` except its seed; documented there."""

    m: int | None
    num_batches: int
    batches: ArrayLike | None


class SampleArguments(BatchArguments, total=False):
    """Keyword arguments of `Sample`; documented there."""

    seed: int


class Sample:
    """A model, its loss, and the batches S of m-sharpness.

    Every measure takes a sample in place of model and data. What it compiles is kept with the sample: another radius,
    or the weights after more training, cost no compilation.

        sample = ks.Sample(model, x, y, m=64, num_batches=50)
        for rho in (1e-4, 1e-3, 1e-2):
            print(ks.worst_case_sharpness(sample, rho=rho).value)
        ks.hessian.top_eigenvalues(sample)

    A measure sees the weights that the model has when it is called. Batches are for measures of m-sharpness; measures
    of the mean loss, such as the Hessian, take each of the `examples` once.

    Attributes:
        model: The model.
        objective: The loss of a batch as a pure function.
        examples: Indices of the examples that batches are drawn from, shape (n,).
        batches: The batches, integers of shape (num_batches, m).
        progress: Whether a bar is shown.
        warned: What a warning was given of already.
    """

    def __init__(
        self,
        model: keras.Model,
        x: Any,
        y: Any = None,
        loss: LossLike = None,
        *,
        m: int | None = 64,
        num_batches: int = 50,
        seed: int = 0,
        batches: ArrayLike | None = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        regularization: bool = False,
        examples: ArrayLike | None = None,
        training: bool = False,
        select: Selection = "all",
        normalize_logits: bool = False,
        batch_size: int | None = None,
        plan: PlanName | None = None,
        distribution: Any = None,
        progress: bool = True,
    ) -> None:
        """Draws the batches, converts the data, and checks that model, loss and data fit.

        Of data that are large, only the examples of the batches are held; see the page on data.

        Args:
            model: Built Keras model, Sequential, functional or subclassed.
            x: Inputs: an array or structure of arrays, a `Graph` (node classification; a batch is a set of nodes), or
                batches of (inputs, targets) or (inputs, targets, sample weights): `tf.data.Dataset`,
                `keras.utils.PyDataset`, PyTorch `DataLoader`.
            y: Targets, first axis as the examples of `x`; None where `x` yields them.
            loss: Keras loss, its name or a function of `(y_true, y_pred)`, or one for each output; None: the loss that
                `model.evaluate` takes, compiled or by the model's own `compute_loss`.
            m: Examples in a batch; None: one batch of all examples, each once.
            num_batches: Batches, drawn independently and with replacement.
            seed: Seed of the draw.
            batches: Integers of shape (num_batches, m): exactly these examples, instead of `m`, `num_batches` and
                `seed`.
            sample_weight: Weights of the examples, or of the entries of `y`, as `model.evaluate` takes them.
            class_weight: Weights of the classes by number, as `model.fit` takes them.
            regularization: Whether penalties of weights and activities are part of the loss.
            examples: Indices to draw from, such as the training nodes of a graph; None: all.
            training: Whether layers run in training mode. Their noise is then the same at every perturbation.
            select: Which weights move: "all", "no_biases", "no_normalization", "kernels", names or patterns of layers
                or weights, or a function of a variable.
            normalize_logits: Whether logits are centred and divided by their norm before the loss (arXiv:2302.07011).
            batch_size: Examples in one forward pass, where all at once would not fit the memory.
            plan: "vectorized" (many batches at once) or "sequential"; None: the faster for the model.
            distribution: A `tf.distribute.Strategy`, `keras.distribution.DataParallel` or
                `torch.distributed.ProcessGroup` to share out the batches over; None: this process. Results do not
                depend on it.
            progress: Whether a bar shows how far a measurement is that takes longer than two seconds, on a terminal or
                in a notebook.

        Raises:
            InputError: If an argument is out of range or does not fit the others.
        """
        require_threads()
        require_eager()
        self.model = model
        self.objective = Objective(model, loss, normalize_logits, isinstance(x, Graph), regularization)
        require_measurable(model)
        if normalize_logits:
            require_logits(model, loss)
        self._data = CheckedData(open_examples(x, y, sample_weight, class_weight), self.objective)
        size = self._data.source.num_examples
        self.examples = check_indices(np.arange(size) if examples is None else examples, 1, size, "examples")
        if batches is not None:
            self.batches = check_indices(batches, 2, size, "batches")
        else:
            self.batches = self.examples[None] if m is None else draw_batches(self.examples, m, num_batches, seed)
        self._held: tuple[LabelledData, np.ndarray] | None = None
        if self.streams and batches is None and m is None:
            # Few measures need all examples at once; these gather them.
            self._data.first(self.examples)
        else:
            self._gather()
        select_weights(model, select)  # refuses names that match nothing
        self.training, self.select, self.batch_size = training, select, batch_size
        self.progress = progress
        self._options = {"plan": plan, "distribution": distribution, "progress": progress}
        self._drawn = {"seed": seed, "examples": None if examples is None else self.examples.tolist()}
        if batches is not None:
            self._drawn = {"batches": self.batches.tolist()}
        self._normalize_logits = normalize_logits
        self.warned: set[Hashable] = set()
        self._grids: dict[int, Grid] = {}
        self._functions: dict[Hashable, Callable[..., Any]] = {}
        self._whole: Sample | None = None

    @classmethod
    def of(
        cls,
        model: "keras.Model | Sample",
        x: Any,
        y: Any,
        loss: LossLike,
        arguments: Mapping[str, object],
        known: type = SampleArguments,
        **settings: Any,
    ) -> "Sample":
        """Returns the sample that a measure's arguments stand for.

        Args:
            model: A model, or the sample itself.
            x: Inputs; None for a sample.
            y: Targets.
            loss: The loss.
            arguments: The measure's further keyword arguments.
            known: The `TypedDict` of those that it takes.
            **settings: Arguments of `Sample` that the measure sets itself.

        Raises:
            InputError: If an argument is unknown, a sample is given together with what it holds already, or a function
                is traced.
        """
        require_options(arguments, tuple(known.__annotations__))
        if not isinstance(model, Sample):
            return cls(model, x, y, loss, **settings, **cast(dict[str, Any], arguments))
        require_threads()
        require_eager()
        twice = [name for name, value in (("x", x), ("y", y), ("loss", loss)) if value is not None]
        twice += list(arguments)
        require(
            not twice, "a sample must be given without what it holds: " + ", ".join(known.__annotations__), extra=twice
        )
        return model

    def grid(self, draws: int = 1) -> Grid:
        """Returns the grid of a number of draws of each batch; made once."""
        if draws not in self._grids:
            self._grids[draws] = self.grid_of(self.data, self.places, draws)
        return self._grids[draws]

    def grid_of(self, data: LabelledData, places: np.ndarray, draws: int = 1) -> Grid:
        """Returns the grid of batches of other data, for measures that read examples piece by piece."""
        self.check_passes(places.shape[1])
        settings = {"draws": draws, "training": self.training, "batch_size": self.batch_size, **self._options}
        return Grid(self.objective, data, places, **settings)

    def check_passes(self, size: int) -> None:
        """Raises unless the model takes forward passes of some examples, cut into pieces of `batch_size`.

        Args:
            size: How many examples.

        Raises:
            InputError: If its input is fixed to another number.
        """
        if not self.objective.on_graph:
            piece = min(size, self.batch_size or (STREAMED if self.streams else size))
            # Called for few models only, so that no data are read for the others.
            takes = lambda number: self.objective.takes(self.first()[0], number)  # noqa: E731
            require_passes(takes, self.model, {piece, size % piece or piece})

    def compile(self, make: Callable[[Objective], Callable[..., Any]], key: Hashable) -> Callable[..., Any]:
        """Compiles a function of the loss; one that was compiled before is used again.

        Args:
            make: From the loss to the function. It must hold on to nothing but the loss.
            key: All that the function depends on besides the loss.

        Returns:
            The compiled function.
        """
        if key not in self._functions:
            known = compiled.objective_key(self.objective, key)
            objective = compiled.without_hold(self.objective)
            self._functions[key] = compiled.keep(self.model, known, lambda: backend.compile(make(objective)))
        return self._functions[key]

    def with_batches(self, batches: np.ndarray, **drawn: Any) -> "Sample":
        """Returns a sample that differs in its batches.

        Args:
            batches: Integers of shape (num_batches, m).
            **drawn: How they were drawn, for the record.
        """
        other = copy.copy(self)
        other.batches, other._drawn, other._grids, other._whole = batches, drawn, {}, None
        other._held = None if self.streams else self._data.source.gather(batches)
        return other

    def with_selection(self, selection: Selection) -> "Sample":
        """Returns a sample of which other weights move."""
        other = copy.copy(self)
        other.select, other._whole = selection, None
        return other

    def with_objective(self, objective: Objective) -> "Sample":
        """Returns a sample of another model of the same inputs, outputs and loss, all of whose weights move."""
        other = copy.copy(self)
        other.model, other.objective, other.select = objective.model, objective, "all"
        other._grids, other._functions, other._whole = {}, {}, None
        return other

    def whole(self) -> "Sample":
        """Returns the sample of one batch: each of the examples, once."""
        if self.batches.shape[0] == 1 and np.array_equal(self.batches[0], self.examples):
            return self
        if self._whole is None:
            self._whole = self.with_batches(self.examples[None], examples=self._drawn.get("examples"))
            if not self.streams:
                self._whole._held = self._data.gather(self._whole.batches)
        return self._whole

    @property
    def data(self) -> LabelledData:
        """Inputs and targets: of all examples, or where data are large of those in the batches."""
        return self._gather()[0]

    @property
    def places(self) -> np.ndarray:
        """The batches as indices into `data`."""
        return self._gather()[1]

    @property
    def streams(self) -> bool:
        """Whether measures of the mean loss read the examples piece by piece, since they may not fit the memory."""
        return self._data.source.streams

    def first(self) -> tuple[LabelledData, np.ndarray]:
        """Returns data that hold the first of the examples, and the indices of these in them."""
        return self._data.first(self.examples)

    def stream(self, examples: np.ndarray | None = None) -> Iterator[LabelledData]:
        """Yields data that do not fit the memory in the order of their indices, a piece of `batch_size` at a time.

        Args:
            examples: Which of the examples; None: all.
        """
        data = self._data if examples is None else CheckedData(self._data.source, self.objective)
        yield from data.stream(self.examples if examples is None else examples, self.batch_size)

    def _gather(self) -> tuple[LabelledData, np.ndarray]:
        if self._held is None:
            self._held = self._data.gather(self.batches)
        return self._held

    def values(self) -> tuple[Weights, State]:
        """Returns the model's trainable weights and its non-trainable variables, as they are now."""
        return values(self.model)

    def mask(self) -> Weights | None:
        """Returns one for weights that move and zero for the others, or None if all move."""
        chosen = select_weights(self.model, self.select)
        return None if all(chosen) else masks(self.model, chosen)

    def describe(self, measure: str, **settings: Any) -> dict[str, Any]:
        """Returns everything needed to repeat a measurement, JSON-ready.

        Args:
            measure: Name of the measure.
            **settings: The measure's own settings.
        """
        description = {
            "measure": measure,
            "model": self.model.name,
            "loss": self.objective.batch_loss.name,
            **settings,
            "select": _name(self.select),
            "training": self.training,
            "normalize_logits": self._normalize_logits,
            "regularization": self.objective.regularization,
            "weighted": self._data.source.weighted,
            "m": self.batches.shape[1],
            "num_batches": self.batches.shape[0],
            **self._drawn,
            "backend": keras.config.backend(),
        }
        return cast(dict[str, Any], _plain(description))


def masks(model: keras.Model, chosen: list[bool]) -> Weights:
    """Returns ones for the chosen weights and zeros for the others, in their shapes."""
    pairs = zip(model.trainable_variables, chosen, strict=True)
    return [keras.ops.full(v.shape, float(moves), perturbation_dtype(v)) for v, moves in pairs]


def _plain(value: Any) -> Any:
    """Returns settings with numbers of Python's in place of NumPy's, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value


def _name(selection: Selection) -> str | list[str]:
    if isinstance(selection, str):
        return selection
    if isinstance(selection, keras.Variable):
        return str(selection.path)
    if isinstance(selection, Sequence):
        return [str(_name(part)) for part in selection]
    return str(getattr(selection, "name", getattr(selection, "__name__", "function")))
