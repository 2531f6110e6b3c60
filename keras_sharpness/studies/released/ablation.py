"""From the released code's procedure to the paper's or back, one particular at a time."""

import dataclasses
import logging
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.errors import InputError, require
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.statistics import compare_paired_taus
from keras_sharpness.studies.config import StudyConfig, released_config
from keras_sharpness.studies.folder import finished, write_csv
from keras_sharpness.studies.run import run_study
from keras_sharpness.studies.study import make_study
from keras_sharpness.studies.systems import Particular

log = logging.getLogger(__name__)
ORDERS = ("to_paper", "to_code")


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of the way.

    Attributes:
        number: Steps before it.
        config: The study.
        particular: What has just been changed; None at the start.
        start: Name of the procedure at the start: "released" or "paper".
    """

    number: int
    config: StudyConfig
    particular: Particular | None
    start: str = "released"

    @property
    def name(self) -> str:
        """Name of the step's folder."""
        return f"{self.number}-{self.particular.name if self.particular else self.start}"

    @property
    def training(self) -> tuple:
        """Everything that the trained pool depends on: steps of the same training share it."""
        return self.config.schedule, self.config.network_options, self.config.follows_paper("split")


def steps(model: str, order: str = "to_paper", **settings: Any) -> Iterator[Step]:
    """Yields the way from one procedure to the other, each step keeping the earlier ones.

    In both orders the particulars change in the sequence of the system's list. The steps between are other studies:
    after k steps, the first k particulars follow the end of the way, and all others its start.

    Args:
        model: "fcnn", "lenet" or "gat".
        order: "to_paper": from the released code to the paper's text; "to_code": from the text to the code.
        **settings: Other settings of the studies, such as `num_models` and `seed`.

    Yields:
        The procedure at the start, then a step for each particular.

    Raises:
        InputError: If there is no such order or model, or a setting does not fit.
    """
    require(order in ORDERS, f"`order` must be one of {', '.join(ORDERS)}", order=order)
    to_paper = order == "to_paper"
    particulars = released_config(model, **settings).system.particulars
    names = [particular.name for particular in particulars]
    for number, particular in enumerate((None, *particulars)):
        as_in_paper = names[:number] if to_paper else names[number:]
        config = released_config(model, as_in_paper, **settings)
        yield Step(number, config, particular, "released" if to_paper else "paper")


def run_ablation(
    way: list[Step],
    folder: Path,
    data_dir: str | None = None,
    download: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> pd.DataFrame:
    """Runs a study for each step, in a folder each, and leaves `ablation.csv` next to them.

    Steps of the same training share their pools. An interrupted ablation is continued. A step whose results are there
    is read, be its networks there or not.

    Args:
        way: What `steps` yields.
        folder: The ablation's folder.
        data_dir: Folder with data files.
        download: Whether data may be fetched.
        stop: Asked before each model whether to stop.

    Returns:
        A row for each step: step, particular, released, paper, sharpness_median, sharpness_mean, test_loss_median,
        tau, tau_ci_low, tau_ci_high, num_models; and tau_change, tau_change_ci_low, tau_change_ci_high: tau less that
        of the step before, with the interval for pairs of networks of the same seed (missing below 15 pairs).

    Raises:
        Stopped: If `stop` said so before all was done.
    """
    rows, tables = [], []
    for number, step in enumerate(way):
        log.info("%d of %d: %s", number + 1, len(way), step.name)
        study = make_study(step.config, data_dir, download)
        summary = finished(folder / step.name, step.config, study.describe())
        if summary is None:
            before = way[number - 1]
            if number and before.training == step.training:
                PoolStore(folder / before.name).copy_members(PoolStore(folder / step.name))
            summary = run_study(study, folder / step.name, stop=stop)
        tables.append(pd.read_csv(folder / step.name / "models.csv"))
        rows.append(_row(step, tables[-1], summary) | _change(tables))
    table = pd.DataFrame(rows)
    write_csv(folder / "ablation.csv", table)
    return table


def _row(step: Step, models: pd.DataFrame, summary: dict[str, Any]) -> dict[str, Any]:
    particular = step.particular or Particular(name=step.start, released="", paper="")
    return {
        "step": step.number,
        "particular": particular.name,
        "released": particular.released,
        "paper": particular.paper,
        "sharpness_median": models["sharpness"].median(),
        "sharpness_mean": models["sharpness"].mean(),
        "test_loss_median": models["test_loss"].median(),
        **{name: summary[name] for name in ("tau", "tau_ci_low", "tau_ci_high", "num_models")},
    }


def _change(tables: list[pd.DataFrame]) -> dict[str, float]:
    """Returns the change of tau from the last but one of the steps' tables to the last, over the networks of both."""
    names = ("tau_change", "tau_change_ci_low", "tau_change_ci_high")
    pairs = [table[["sharpness", "test_loss"]].to_numpy() for table in tables[-2:]]
    if len(pairs) < 2:
        return dict.fromkeys(names, math.nan)
    finite = np.isfinite(np.concatenate(pairs, axis=1)).all(axis=1)
    before, now = (tuple(pair[finite].T) for pair in pairs)
    try:
        found = compare_paired_taus(now, before)
    except InputError as error:
        log.warning("No change of tau: %s", error)
        return dict.fromkeys(names, math.nan)
    return dict(zip(names, (found.difference, found.ci_low, found.ci_high), strict=True))
