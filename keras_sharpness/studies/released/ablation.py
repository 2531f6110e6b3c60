"""From the released code's procedure to the paper's, one particular at a time."""

import dataclasses
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from keras_sharpness.studies.released import datasets as data
from keras_sharpness.studies.released.particulars import RELEASED, Particular, ReleasedConfig, released_config
from keras_sharpness.studies.released.study import ReleasedStudy
from keras_sharpness.studies.run import run_study, write_csv

log = logging.getLogger(__name__)
# Particulars of data and network, which training depends on beside the schedule.
TRAINING = ("activation", "split")


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of the way.

    Attributes:
        config: The study.
        particular: What has just been set as in the paper; None for the released procedure itself.
    """

    config: ReleasedConfig
    particular: Particular | None

    @property
    def name(self) -> str:
        """Name of the step's folder."""
        return f"{len(self.config.as_in_paper)}-{self.particular.name if self.particular else 'released'}"

    @property
    def training(self) -> tuple:
        """What the trained pool depends on."""
        return self.config.schedule, [self.config.follows_paper(name) for name in TRAINING]


def steps(model: str, **settings: Any) -> Iterator[Step]:
    """Yields the way from the released procedure to the paper's, each step keeping those before.

    Args:
        model: "fcnn", "lenet" or "gat".
        **settings: Other settings of the studies, such as `num_models` and `seed`.

    Yields:
        The released procedure, then a step for each of its particulars.
    """
    names: list[str] = []
    for particular in (None, *RELEASED[model].particulars):
        names += [particular.name] if particular else []
        yield Step(released_config(model, tuple(names), **settings), particular)


def run_ablation(
    way: list[Step],
    folder: Path,
    data_dir: str | None = None,
    download: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> pd.DataFrame:
    """Runs a study for each step, in a folder each, and leaves `ablation.csv` beside them.

    Steps that train alike share their pools. A run that was ended goes on where it was.

    Args:
        way: What `steps` yields.
        folder: Where to.
        data_dir: Folder with data files.
        download: Whether data may be fetched.
        stop: Asked before each model whether to stop.

    Returns:
        A row for each step: step, particular, released, paper, sharpness_median, sharpness_mean, test_loss_median,
        tau, tau_ci_low, tau_ci_high, num_models.

    Raises:
        Stopped: If `stop` said so before all was done.
    """
    rows = []
    for number, step in enumerate(way):
        before = way[number - 1]
        if number and before.training == step.training:
            _share_pool(folder / before.name, folder / step.name)
        study = ReleasedStudy(step.config, data.load(step.config, data_dir, download))
        log.info("%d of %d: %s", number + 1, len(way), step.name)
        summary = run_study(study, folder / step.name, stop=stop)
        rows.append(_row(number, step, pd.read_csv(folder / step.name / "models.csv"), summary))
    table = pd.DataFrame(rows)
    write_csv(folder / "ablation.csv", table)
    return table


def _share_pool(source: Path, target: Path) -> None:
    for path in sorted((source / "pool").glob("[0-9]*.npz")):
        copy = target / "pool" / path.name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)


def _row(number: int, step: Step, models: pd.DataFrame, summary: dict[str, Any]) -> dict[str, Any]:
    particular = step.particular or Particular(name="released", released="", paper="")
    return {
        "step": number,
        "particular": particular.name,
        "released": particular.released,
        "paper": particular.paper,
        "sharpness_median": models["sharpness"].median(),
        "sharpness_mean": models["sharpness"].mean(),
        "test_loss_median": models["test_loss"].median(),
        **{name: summary[name] for name in ("tau", "tau_ci_low", "tau_ci_high", "num_models")},
    }
