"""An interval for tau over models, batches and test examples together.

Sharpness is a mean over batches, test loss a mean over test examples; both are samples, as the models are. Each
resample draws models, batches and examples with replacement, independently of each other: the pigeonhole bootstrap
(Owen 2007, doi:10.1214/07-AOAS122), which is slightly conservative where batches or examples are shared by all models.

A resampled mean carries the noise of its sample twice, so resampled taus lie nearer to zero than tau. The interval
therefore takes only their spread: it is tau +- z times the standard deviation of the resampled taus, on Fisher's z.
"""

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import ArrayLike

from keras_sharpness.errors import require, require_count
from keras_sharpness.statistics.correlation import Kendall, checked
from keras_sharpness.statistics.intervals import FEWEST_MODELS
from keras_sharpness.statistics.pairs import taus_of_rows

SOURCES = ("models", "batches", "examples")
# Numbers held at once in float64: 32 MB.
BLOCK_ELEMENTS = 2**22


def crossed_bootstrap(
    rises: ArrayLike,
    test_losses: ArrayLike,
    over: Sequence[str] = SOURCES,
    *,
    shared_batches: bool = True,
    num_resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Kendall:
    """Correlates sharpness with test loss, with an interval over several sources of chance.

    Calls with one source each show which of them the interval's width comes from.

    Args:
        rises: Rise of the loss on each batch, shape (num_models, num_batches): `per_batch` of each model's sharpness.
        test_losses: Loss of each test example, shape (num_models, num_examples). May be a memory-mapped array of any
            size and type; it is read a part at a time.
        over: What the interval is over: any of "models", "batches", "examples".
        shared_batches: Whether all models were measured on the same batches; otherwise each had its own.
        num_resamples: Bootstrap resamples.
        confidence: Nominal coverage of the interval, between 0 and 1.
        seed: Seed of the resampling.

    Returns:
        tau of the means, its interval, and the two-sided p-value for tau = 0 that belongs to the interval.

    Raises:
        InputError: If an argument is out of range, or there are fewer than 15 models or two of another source.
    """
    require(0 < confidence < 1, "`confidence` must be between 0 and 1", confidence=confidence)
    require_count("num_resamples", num_resamples)
    require(bool(over) and set(over) <= set(SOURCES), f"`over` must be among {', '.join(SOURCES)}", over=list(over))
    tables = {"batches": _table("rises", rises), "examples": _table("test_losses", test_losses)}
    num_models = len(tables["batches"])
    require(num_models >= FEWEST_MODELS, f"there must be at least {FEWEST_MODELS} models", num_models=num_models)
    for name in tables.keys() & set(over):
        require(tables[name].shape[1] > 1, f"there must be two {name} or more", shape=tables[name].shape)
    means = checked(_means(tables["batches"]), _means(tables["examples"]), ("rises", "test_losses"))
    tau = float(scipy.stats.kendalltau(*means).statistic)
    error = np.nanstd(np.arctanh(_resample(tables, means, over, shared_batches, num_resamples, seed)), ddof=1)
    z, normal = np.arctanh(tau), scipy.stats.norm
    low, high = np.tanh(z + np.array([-1, 1]) * normal.ppf((1 + confidence) / 2) * error)
    return Kendall(
        tau=tau,
        p_value=float(2 * normal.sf(abs(z) / error)),
        ci_low=float(low),
        ci_high=float(high),
        num_models=num_models,
        confidence=confidence,
    )


def _table(name: str, values: ArrayLike) -> np.ndarray:
    table = np.asanyarray(values)
    require(table.ndim == 2, f"`{name}` must have a row per model and two axes", shape=table.shape)
    return table


def _resample(
    tables: dict[str, np.ndarray], means: tuple[np.ndarray, np.ndarray], over: Sequence[str], shared_batches: bool,
    num_resamples: int, seed: int,
) -> np.ndarray:  # fmt: skip
    """Returns the taus of resampled models, batches and examples, shape (num_resamples,)."""
    rng = np.random.default_rng(seed)
    num_models = len(means[0])
    step = max(1, BLOCK_ELEMENTS // max(num_models, *(table.shape[1] for table in tables.values())))
    taus = []
    for start in range(0, num_resamples, step):
        size = min(step, num_resamples - start)
        pair = [
            _resampled_means(table, mean, name in over, name == "examples" or shared_batches, size, rng)
            for (name, table), mean in zip(tables.items(), means, strict=True)
        ]
        if "models" in over:
            chosen = rng.integers(num_models, size=(size, num_models))
            pair = [np.take_along_axis(means, chosen, axis=1) for means in pair]
        taus.append(taus_of_rows(*pair))
    return np.concatenate(taus)


def _resampled_means(
    table: np.ndarray, mean: np.ndarray, varies: bool, shared: bool, size: int, rng: np.random.Generator
) -> np.ndarray:
    """Returns the models' means over resampled columns, shape (size, num_models)."""
    if not varies:
        return np.broadcast_to(mean, (size, len(mean)))
    number = table.shape[1]
    if shared:
        return _means(table, rng.multinomial(number, np.full(number, 1 / number), size).T).T
    draws = (rng.multinomial(number, np.full(number, 1 / number), len(table)) for _ in range(size))
    return np.stack([np.einsum("ij,ij->i", table, counts, dtype=np.float64) / number for counts in draws])


def _means(table: np.ndarray, counts: np.ndarray | None = None) -> np.ndarray:
    """Returns the rows' means in float64, a block of rows at a time; weighted by each column of `counts` if given."""
    number = table.shape[1]
    weights = np.ones(number) if counts is None else counts.astype(np.float64)
    step = max(1, BLOCK_ELEMENTS // number)
    blocks = (np.asarray(table[start : start + step], np.float64) for start in range(0, len(table), step))
    return np.concatenate([block @ weights for block in blocks]) / number
