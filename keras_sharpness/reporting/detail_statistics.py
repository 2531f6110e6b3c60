"""What a pool says once its batches and test examples are known one by one: `details.npz` of a run's folder."""

import dataclasses
from pathlib import Path

import numpy as np

from keras_sharpness.errors import InputError, require
from keras_sharpness.files.checksum import load_arrays
from keras_sharpness.statistics import (
    CorrectedKendall,
    Kendall,
    TauDifference,
    compare_paired_taus,
    conditional_kendall,
    crossed_bootstrap,
    disattenuated_kendall,
    kendall,
)
from keras_sharpness.statistics.crossed_bootstrap import BLOCK_ELEMENTS, SOURCES
from keras_sharpness.statistics.intervals import FEWEST_MODELS

NAMES = ("rises", "gradient_norms", "test_losses")
# Resamples of one source: a report takes seconds for small pools, and at most a minute for thousands of models.
NUM_RESAMPLES, FEW_RESAMPLES, SMALL_POOL = 1000, 200, 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Details:
    """What the numbers of a pool are means of, a row per model.

    Attributes:
        rises: On each batch, shape (num_models, num_batches).
        gradient_norms: On each batch.
        test_losses: Of each test example, shape (num_models, num_test).
    """

    rises: np.ndarray
    gradient_norms: np.ndarray
    test_losses: np.ndarray

    @property
    def means(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sharpness, gradient norm and test loss of each model."""
        sharpness, norms, losses = (_means(getattr(self, name)) for name in NAMES)
        return sharpness, norms, losses


def _means(table: np.ndarray) -> np.ndarray:
    """Returns the rows' means in float64, some rows at a time: a copy of all would take twice the table's memory."""
    step = max(1, BLOCK_ELEMENTS // table.shape[1])
    blocks = (table[start : start + step] for start in range(0, len(table), step))
    return np.concatenate([block.astype(float).mean(axis=1) for block in blocks])


def read_details(path: Path) -> Details | None:
    """Reads a run's `details.npz` and keeps the models whose numbers are finite.

    Args:
        path: The file.

    Returns:
        The details; None if there is no file, or it has fewer than 15 models or two batches or examples.

    Raises:
        InputError: If the file is damaged or holds something else.
    """
    if not path.exists():
        return None
    arrays = load_arrays(path)
    tables = [arrays.get(name, np.empty(0)) for name in NAMES]
    shapes = [table.shape for table in tables]
    fits = all(table.ndim == 2 and len(table) == len(tables[0]) for table in tables)
    require(fits, f"{path} must hold {', '.join(NAMES)}, a row per model", shapes=shapes)
    words = {
        name: str(table.dtype) for name, table in zip(NAMES, tables, strict=True) if table.dtype.kind not in "biuf"
    }
    require(not words, f"{path} must hold numbers", dtypes=words)
    finite = np.all([np.isfinite(table).all(axis=1) for table in tables], axis=0)
    if finite.sum() < FEWEST_MODELS or min(shape[1] for shape in shapes) < 2:
        return None
    return Details(**{name: table[finite] for name, table in zip(NAMES, tables, strict=True)})


def over_sources(details: Details) -> list[tuple[str, Kendall]]:
    """Returns tau with its interval over models, batches and test examples, each by itself and all together.

    Args:
        details: The details.
    """
    number = NUM_RESAMPLES if len(details.rises) <= SMALL_POOL else FEW_RESAMPLES
    names = {source: source.replace("examples", "test examples") for source in SOURCES}
    chosen = [*((names[source], (source,)) for source in SOURCES), ("all three", SOURCES)]
    tables = details.rises, details.test_losses
    return [(name, crossed_bootstrap(*tables, over, num_resamples=number)) for name, over in chosen]


def corrected(details: Details) -> CorrectedKendall:
    """Returns tau corrected for the noise of the batches.

    Args:
        details: The details.
    """
    return disattenuated_kendall(details.rises, details.means[2])


def beside_gradient_norm(details: Details) -> list[tuple[str, Kendall | TauDifference]]:
    """Returns what the gradient norm on the same batches says in place of sharpness; nothing where it is undefined.

    Args:
        details: The details.
    """
    sharpness, norms, losses = details.means
    try:
        return [
            ("sharpness with test loss", kendall(sharpness, losses)),
            ("gradient norm with test loss", kendall(norms, losses)),
            ("difference, same networks", compare_paired_taus((sharpness, losses), (norms, losses))),
            ("sharpness with gradient norm", kendall(sharpness, norms)),
            ("sharpness with test loss, given gradient norm", conditional_kendall(sharpness, losses, [norms])),
        ]
    except InputError:
        return []
