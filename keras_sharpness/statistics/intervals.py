"""A confidence interval for Kendall's tau: bootstrap over models, percentile method.

A resample is a vector c of multiplicities: how often each model was drawn. With S[i, j] = sign(x_i - x_j)
sign(y_i - y_j) computed once, its tau-b is c'Sc / sqrt(c'Xc c'Yc), where c'Xc and c'Yc count the pairs not tied in x
and in y. Copies of one model are tied in both and so drop out. All resamples together cost one matrix product.

Measured coverage of the nominal 95 % interval: 50 models, bivariate normal pairs, 2,000 resamples, 4,000 repetitions
(standard error 0.3 %); `width` is its mean.

    method                               true tau   0     width    -0.4    width    -0.8    width
    percentile (used here)                        95.4 %  0.394   95.5 %   0.331   97.2 %   0.157
    BCa, jackknife acceleration                   96.2 %  0.394   95.9 %   0.335   97.4 %   0.163
    Fisher z, bootstrap standard error            95.6 %  0.394   95.8 %   0.333   97.7 %   0.161
    Fisher z, jackknife standard error            95.4 %  0.389   95.5 %   0.326   96.2 %   0.150
    Fisher z, studentized                         95.5 %  0.384   94.8 %   0.323   94.1 %   0.142

With 20 models (2,000 repetitions) percentile covered 96.1 % at tau = 0 and 96.2 % at -0.4. It is the simplest of them,
is also defined where tau = 1 or -1, and stays within [-1, 1].
"""

from collections.abc import Iterator

import numpy as np
import scipy

from keras_sharpness.errors import require

# Multiplicities held at once: some 100 MB with their temporaries.
BLOCK_ELEMENTS = 2**22
# The ends of a percentile interval are extreme resamples: of fewer models, those are few distinct pools.
FEWEST_MODELS = 15


def resample_tau(x: np.ndarray, y: np.ndarray, num_resamples: int, generator: np.random.Generator) -> np.ndarray:
    """Returns tau-b of bootstrap resamples of the pairs (x, y).

    Takes memory for num_models^2 floats of four bytes, besides a constant.

    Args:
        x: One finite value per model, shape (num_models,).
        y: The same of another quantity.
        num_resamples: Number of resamples.
        generator: Source of the resampling.

    Returns:
        Shape (num_resamples,); NaN where all pairs of a resample are tied in x or in y.
    """
    blocks = draw_multiplicities(len(x), num_resamples, generator)
    concordance = _concordance(x, y)
    return np.concatenate([_weighted_tau(block, x, y, concordance) for block in blocks])


def resample_tau_in_turn(
    x: np.ndarray, y: np.ndarray, num_resamples: int, generator: np.random.Generator
) -> np.ndarray:
    """Returns what `resample_tau` returns, without its memory: one resample after another, each in n log n time.

    Args:
        x: One finite value per model, shape (num_models,).
        y: The same of another quantity.
        num_resamples: Number of resamples.
        generator: Source of the resampling; both functions make the same resamples from it.

    Returns:
        Shape (num_resamples,); NaN where all pairs of a resample are tied in x or in y.
    """
    draws = (generator.integers(len(x), size=len(x)) for _ in range(num_resamples))
    return np.array([scipy.stats.kendalltau(x[draw], y[draw]).statistic for draw in draws])


def draw_multiplicities(
    num_models: int, num_resamples: int, generator: np.random.Generator, block_elements: int = BLOCK_ELEMENTS
) -> Iterator[np.ndarray]:
    """Draws resamples of `num_models` models with replacement, a block at a time.

    Args:
        num_models: Number of models.
        num_resamples: Number of resamples.
        generator: Source of the draws; their values do not depend on the size of the blocks.
        block_elements: Largest number of elements in a block, though at least one resample.

    Yields:
        How often each model was drawn, float32, shape (resamples in the block, num_models).
    """
    step = max(1, block_elements // num_models)
    for start in range(0, num_resamples, step):
        rows = min(step, num_resamples - start)
        draws = generator.integers(num_models, size=(rows, num_models))
        places = draws + num_models * np.arange(rows)[:, None]
        counts = np.bincount(places.ravel(), minlength=rows * num_models)
        yield counts.reshape(rows, num_models).astype(np.float32)


def percentile_interval(resampled: np.ndarray, confidence: float, num_models: int) -> tuple[float, float]:
    """Returns the interval that leaves out equal shares of the resampled values at both ends.

    Args:
        resampled: Values of the statistic; NaN where it was undefined, which is left out.
        confidence: Share of the values inside, between 0 and 1.
        num_models: Models that each resample was drawn from, 15 or more.

    Returns:
        Lower and upper end; NaN if the statistic was undefined in every resample.

    Raises:
        InputError: If there are fewer models.
    """
    few = f"a percentile interval must come from at least {FEWEST_MODELS} models; fewer show too little of their spread"
    require(num_models >= FEWEST_MODELS, few, num_models=num_models)
    defined = resampled[~np.isnan(resampled)]
    if not defined.size:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _concordance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    # float32 keeps the products on the fast path and is exact: all entries and sums are integers below 2^24.
    signs = _pair_signs(x)
    signs *= _pair_signs(y)
    return signs


def _pair_signs(values: np.ndarray) -> np.ndarray:
    # Ranks instead of values: differences of floats can underflow, and ranks fit four bytes.
    ranks = np.unique(values, return_inverse=True)[1].astype(np.float32)
    differences: np.ndarray = ranks[:, None] - ranks[None, :]
    np.sign(differences, out=differences)
    return differences


def _weighted_tau(counts: np.ndarray, x: np.ndarray, y: np.ndarray, concordance: np.ndarray) -> np.ndarray:
    # Sums over all pairs exceed what float32 holds exactly, so they are taken in float64.
    balance: np.ndarray = np.einsum("ij,ij->i", counts @ concordance, counts, dtype=np.float64)
    untied = _untied_pairs(counts, x) * _untied_pairs(counts, y)
    taus = np.full_like(balance, np.nan)
    np.divide(balance, np.sqrt(untied), out=taus, where=untied > 0)
    return taus


def _untied_pairs(counts: np.ndarray, values: np.ndarray) -> np.ndarray:
    order = np.argsort(values)
    first_of_group = np.unique(values[order], return_index=True)[1]
    groups = np.add.reduceat(counts[:, order], first_of_group, axis=1)
    tied: np.ndarray = np.einsum("ij,ij->i", groups, groups, dtype=np.float64)
    return float(len(values)) ** 2 - tied
