"""A study of a pool over hyper-parameters: it trains, measures and ranks, and leaves all of it in a folder."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from keras_sharpness.complexity import MEASURES, choose
from keras_sharpness.complexity.measure_pool import measure_pool
from keras_sharpness.files.atomic import write_json
from keras_sharpness.pools.pool import Pool
from keras_sharpness.pools.space import Space
from keras_sharpness.pools.train_pool import train_pool
from keras_sharpness.statistics import rank_measures
from keras_sharpness.statistics.environments import sign_errors
from keras_sharpness.statistics.ranking import LEAST_SETTINGS
from keras_sharpness.statistics.settings import without_infinities
from keras_sharpness.studies import folder as folders
from keras_sharpness.studies.run import Stopped

if TYPE_CHECKING:
    import pandas as pd

TARGETS = ("gap", "test_loss", "error_gap", "test_error", "worst_class_error")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class PoolStudy:
    """What a study of a pool is made of.

    Attributes:
        build: From hyper-parameters to a model.
        train: Training examples; see `train_pool`.
        test: Test examples.
        space: The hyper-parameters.
        training: Further arguments of `train_pool`.
        measures: What to measure; see `measure_pool`.
        targets: Further test examples by name.
        sample: Arguments of `Sample`.
        source: Where the data come from, for the record.
    """

    build: Callable[..., keras.Model]
    train: Any
    test: Any
    space: Space
    training: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    measures: str | Sequence[str] = "all"
    targets: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    sample: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        """Checks what can be checked before anything is trained.

        Raises:
            InputError: If there is no such measure.
        """
        choose(self.measures)


def run_pool_study(
    study: PoolStudy,
    folder: Path,
    *,
    resume: bool = True,
    command: str = "",
    stop: Callable[[], bool] = lambda: False,
    **where: Any,
) -> "pd.DataFrame | None":
    """Trains, measures and ranks; leaves `models.csv`, `ranking.csv`, `environments.csv` and `summary.json`.

    Args:
        study: The study.
        folder: Its folder; what is there goes on.
        resume: Whether what is there is kept.
        command: The command that repeats the study, for the record.
        stop: Asked before each model whether to stop.
        **where: `plan` and `distribution` of the training.

    Returns:
        The ranking of measures by the gap; None where the pool has too few settings for one.

    Raises:
        InputError: If a part of the study is not what it must be.
        Stopped: If `stop` said so before all was done.
    """
    options = {"output_dir": folder, "resume": resume, "stop": stop, **where}
    with folders.timed(folder, "training"):
        pool = train_pool(study.build, study.train, study.test, space=study.space, **{**study.training, **options})
    _check(stop)
    with folders.timed(folder, "measures"):
        table = measure_pool(pool, study.measures, targets=study.targets, stop=stop, **study.sample)
    _check(stop)
    folders.write_csv(folder / "models.csv", table)
    targets = [name for name in (*TARGETS, *_scores_of(study.targets)) if name in table]
    write_json(folder / "summary.json", _summary(pool, table, targets, folder, command, study.source))
    return _rank(table, targets, folder)


def _rank(table: "pd.DataFrame", targets: list[str], folder: Path) -> "pd.DataFrame | None":
    import pandas as pd

    names = table.attrs["hyper_parameters"], table.attrs["measures"]
    if table["setting"].nunique() < LEAST_SETTINGS:
        return None
    found = {target: rank_measures(table, *names, target=target) for target in targets}
    ranking = pd.concat([ranked.assign(target=target) for target, ranked in found.items()])
    folders.write_csv(folder / "ranking.csv", ranking[["target", *(name for name in ranking if name != "target")]])
    whole = [name for name in names[1] if table[name].notna().all()]
    environments = sign_errors(without_infinities(table, whole), names[0], whole)
    folders.write_csv(folder / "environments.csv", environments)
    return found["gap"]


def _summary(
    pool: Pool, table: "pd.DataFrame", targets: list[str], folder: Path, command: str, source: str
) -> dict[str, Any]:
    seconds = {f"seconds_{stage}": value for stage, value in folders.times(folder).items()}
    return {
        "hyper_parameters": table.attrs["hyper_parameters"],
        "measures": table.attrs["measures"],
        "kinds": {name: MEASURES[name].kind for name in table.attrs["measures"]},
        "targets": targets,
        "left_out": table.attrs["left_out"],
        "statuses": dict(Counter(row["status"] for row in pool.rows)),
        "failures": pool.failures,
        **seconds,
        "data": source,
        "versions": folders.versions(),
        "command": command,
    }


def _scores_of(targets: Mapping[str, Any]) -> list[str]:
    return [f"{name}_{score}" for name in targets for score in ("loss", "error")]


def _check(stop: Callable[[], bool]) -> None:
    if stop():
        raise Stopped
