"""From a measure's arguments to the grid of cells that it works through."""

from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.execution.cells import Cells
from keras_sharpness.measures.batches import check_indices, draw_batches
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.objective.objective import Objective
from keras_sharpness.objective.selection import Selection, select
from keras_sharpness.typing import Weights

# Its arguments that measures hand on as they are.
OPTIONS = ("training", "examples", "normalize_logits", "batch_size", "plan", "distribution")


def sample_cells(
    model: keras.Model,
    x: Any,
    y: Any,
    loss: LossLike = None,
    *,
    m: int | None = 64,
    num_batches: int = 50,
    seed: int = 0,
    batches: ArrayLike | None = None,
    examples: ArrayLike | None = None,
    training: bool = False,
    normalize_logits: bool = False,
    draws: int = 1,
    batch_size: int | None = None,
    plan: str | None = None,
    distribution: Any = None,
) -> Cells:
    """Draws the batches of m-sharpness and lays out the work.

    Args:
        model: Built Keras model.
        x: Inputs, a graph, or batches of (inputs, targets).
        y: Targets.
        loss: The loss; None takes the compiled one.
        m: Examples in a batch; None: one batch of all examples, each once.
        num_batches: Batches, drawn independently and with replacement.
        seed: Seed of the draw.
        batches: Exactly these examples, shape (num_batches, m), instead of `m`, `num_batches` and `seed`.
        examples: Indices to draw from; None: all.
        training: Whether layers run in training mode.
        normalize_logits: Whether logits are normalized first.
        draws: Cells for each batch.
        batch_size: Examples in one forward pass.
        plan: "vectorized" or "sequential"; None: the faster.
        distribution: Devices or processes to share out the work over; None: this process alone.

    Returns:
        The cells.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    objective = Objective(model, loss, x, y, normalize_logits)
    if batches is not None:
        indices = check_indices(batches, 2, objective.num_examples, "batches")
    else:
        population = np.arange(objective.num_examples) if examples is None else examples
        population = check_indices(population, 1, objective.num_examples, "examples")
        indices = population[None] if m is None else draw_batches(population, m, num_batches, seed)
    objective.check(indices)
    options: dict[str, Any] = {"plan": plan, "batch_size": batch_size, "distribution": distribution}
    return Cells(objective, indices, draws=draws, training=training, **options)


def describe(measure: str, cells: Cells, *, seed: int, batches: ArrayLike | None, **settings: Any) -> dict[str, Any]:
    """Returns everything needed to repeat a measurement, JSON-ready.

    Args:
        measure: Name of the measure.
        cells: Its cells.
        seed: Seed of the draw of batches.
        batches: Batches that were given instead.
        **settings: The measure's own settings.
    """
    drawn = {"seed": seed} if batches is None else {"batches": np.asarray(batches).tolist()}
    return {
        "measure": measure,
        "model": cells.objective.model.name,
        "loss": cells.objective.batch_loss.name,
        **settings,
        "m": cells.batches.shape[1],
        "num_batches": cells.batches.shape[0],
        **drawn,
        "backend": keras.config.backend(),
    }


def mask(model: keras.Model, selection: Selection) -> Weights | None:
    """Returns one for weights that move and zero for the others, or None if all move."""
    chosen = select(model, selection)
    return None if all(chosen) else masks(model, chosen)


def masks(model: keras.Model, chosen: list[bool]) -> Weights:
    """Returns ones for the chosen weights and zeros for the others, in their shapes."""
    pairs = zip(model.trainable_variables, chosen, strict=True)
    return [keras.ops.full(v.shape, float(moves), v.dtype) for v, moves in pairs]
