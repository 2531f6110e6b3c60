"""A study repeated on many splits of its data: each pool's taus, and what all splits say together."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import Kendall, conditional_kendall, jackknife_interval, kendall, random_effects
from keras_sharpness.studies.config import StudyConfig
from keras_sharpness.studies.folder import write_csv
from keras_sharpness.studies.run import run_study
from keras_sharpness.studies.study import make_study

log = logging.getLogger(__name__)
FILES = ("splits.csv", "pooled.csv")


def run_splits(
    configs: Sequence[StudyConfig],
    folder: Path,
    data_dir: str | None = None,
    download: bool = False,
    plan: str | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> pd.DataFrame:
    """Runs a study for each split, in a folder each, and leaves `splits.csv` and `pooled.csv` next to them.

    An interrupted call is continued.

    Args:
        configs: What `studies_of_splits` yields.
        folder: Their folder.
        data_dir: Folder with data files.
        download: Whether data may be fetched.
        plan: "vectorized" or "sequential"; None: the faster.
        stop: Asked before each model whether to stop.

    Returns:
        The rows of `pooled.csv`; see `pooled`.

    Raises:
        Stopped: If `stop` said so before all was done.
    """
    tables = []
    for number, config in enumerate(configs):
        name = f"split-{config.split_seed:03d}"
        log.info("%d of %d: %s", number + 1, len(configs), name)
        run_study(make_study(config, data_dir, download, plan), folder / name, stop=stop)
        tables.append(taus_of_split(pd.read_csv(folder / name / "models.csv"), config.split_seed))
    table = pd.concat(tables, ignore_index=True)
    together = pooled(table)
    for name, rows in zip(FILES, (table, together), strict=True):
        write_csv(folder / name, rows)
    return together


def taus_of_split(models: pd.DataFrame, split_seed: int) -> pd.DataFrame:
    """Returns the taus of sharpness with each quantity in the pool of one split.

    Args:
        models: The rows of its `models.csv`.
        split_seed: Seed of the split.

    Returns:
        A row for each quantity ("test loss", "gap", "test error" of classes, "test loss given training loss"):
        split_seed, quantity, tau, standard_error, tau_ci_low, tau_ci_high, num_models, sharpness_median,
        test_loss_median.
    """
    finite = models[np.isfinite(models[["sharpness", "test_loss", "train_loss"]]).all(axis=1)]
    medians = {f"{name}_median": finite[name].median() for name in ("sharpness", "test_loss")}
    rows = []
    for quantity, found, error in _taus(finite):
        ends = {"tau_ci_low": found.ci_low, "tau_ci_high": found.ci_high}
        numbers = {"tau": found.tau, "standard_error": error, **ends, "num_models": found.num_models}
        rows.append({"split_seed": split_seed, "quantity": quantity, **numbers, **medians})
    return pd.DataFrame(rows)


def pooled(table: pd.DataFrame) -> pd.DataFrame:
    """Combines the splits, quantity by quantity, by random effects.

    Args:
        table: The rows of `splits.csv`.

    Returns:
        A row for each quantity: quantity, tau, tau_ci_low, tau_ci_high (of the mean over splits), prediction_low,
        prediction_high (of another split's tau), between_deviation (standard deviation of the true taus between
        splits), heterogeneity_p_value, num_splits.
    """
    rows = []
    for quantity, part in table.groupby("quantity", sort=False):
        try:
            found = random_effects(part["tau"], part["standard_error"])
        except InputError as error:
            log.warning("No common tau of %s: %s", quantity, error)
            continue
        ends = {"tau_ci_low": found.ci_low, "tau_ci_high": found.ci_high}
        spread = {"prediction_low": found.prediction_low, "prediction_high": found.prediction_high}
        spread["between_deviation"] = found.between_variance**0.5
        spread["heterogeneity_p_value"] = found.heterogeneity_p_value
        rows.append({"quantity": quantity, "tau": found.mean, **ends, **spread, "num_splits": found.num_groups})
    return pd.DataFrame(rows)


def _taus(models: pd.DataFrame) -> Iterator[tuple[str, Kendall, float]]:
    """Yields name, tau and standard error."""
    sharpness, test, train = (models[name].to_numpy() for name in ("sharpness", "test_loss", "train_loss"))
    quantities = {"test loss": test, "gap": test - train}
    if "test_error" in models:
        quantities["test error"] = models["test_error"].to_numpy()
    for name, values in quantities.items():
        yield name, kendall(sharpness, values), jackknife_interval(sharpness, values)[0]
    given = conditional_kendall(sharpness, test, [train])
    yield "test loss given training loss", given, given.standard_error
