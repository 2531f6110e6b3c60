"""The results of a pool over hyper-parameters whose measures were ranked, read from its folder and checked."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.errors import require
from keras_sharpness.reporting.reading import read_json, read_table, read_text
from keras_sharpness.statistics.settings import without_infinities

RANKING = "ranking.csv"
COUNTS = ("index", "setting")
SIGN_ERRORS = ("sign_error", "sign_error_90", "sign_error_worst")
RANKED = ("models", "tau", "tau_low", "tau_high", "psi", "psi_low", "psi_high", *SIGN_ERRORS)
ENVIRONMENTS = ("hyper_parameter", "first", "second", "others", "pairs")
# Models of these enter the ranking; those that missed the training loss or diverged do not.
RANKED_STATUSES = ("reached", "ended")
# The target that is shown first, and the one that the environments are of.
FIRST_TARGET = "gap"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PoolFolder:
    """A pool over hyper-parameters, and how well each measure ranks each target.

    Attributes:
        models: A row per model.
        ranking: A row for each target and measure.
        environments: A row for each environment, with the sign error of each measure; perhaps without rows.
        summary: Names of hyper-parameters, measures and targets, counts and times.
        settings: How the pool was trained; empty if it was trained elsewhere.
    """

    models: pd.DataFrame
    ranking: pd.DataFrame
    environments: pd.DataFrame
    summary: dict[str, Any]
    settings: dict[str, Any]

    @property
    def heading(self) -> str:
        """Heading of the report."""
        question = "which measures rank generalization?"
        data = self.summary.get("data")
        return f"{data}: {question}" if data else question.capitalize()

    @property
    def command(self) -> str:
        """The command that repeats the run; "" if it is not known."""
        return str(self.summary.get("command") or "")

    @property
    def hyper_parameters(self) -> list[str]:
        """Names of the hyper-parameters."""
        return list(self.summary["hyper_parameters"])

    @property
    def targets(self) -> list[str]:
        """What the measures were ranked against: the gap first, if it is there."""
        return sorted(dict.fromkeys(self.ranking["target"]), key=lambda name: name != FIRST_TARGET)

    @functools.cached_property
    def ranked(self) -> pd.DataFrame:
        """The models that the ranking is of."""
        if "status" not in self.models:
            return self.models
        return self.models[self.models["status"].isin(RANKED_STATUSES)].reset_index(drop=True)

    def kind(self, measure: str) -> str:
        """Returns what a measure is made of, such as "norm"."""
        return str(self.summary.get("kinds", {}).get(measure, "other")).replace("_", " ")

    def having(self, *columns: str) -> pd.DataFrame:
        """Returns the ranked models that have each of the columns, infinite measures as `rank_measures` takes them."""
        return self._ordered[self._ordered[list(columns)].notna().all(axis=1)]

    def finite(self, *columns: str) -> pd.DataFrame:
        """Returns the ranked models that have a finite number in each of the columns."""
        return self.ranked[np.isfinite(self.ranked[list(columns)].to_numpy(float)).all(axis=1)]

    @functools.cached_property
    def _ordered(self) -> pd.DataFrame:
        return without_infinities(self.ranked, list(dict.fromkeys(self.ranking["measure"])))


def read_pool(folder: Path) -> PoolFolder:
    """Reads `models.csv`, `ranking.csv`, `environments.csv`, `summary.json` and, if it exists, `pool.json`.

    Args:
        folder: The run's folder.

    Returns:
        The pool.

    Raises:
        InputError: If a file is missing or damaged, or lacks what a report needs.
    """
    summary, manifest = read_json(folder / "summary.json"), folder / "pool.json"
    for name in ("hyper_parameters", "measures"):
        names = summary.get(name)
        listed = isinstance(names, list) and bool(names) and all(isinstance(each, str) for each in names)
        require(listed, f"{folder / 'summary.json'} must hold a list of names, `{name}`", **{name: names})
    ranking = read_table(folder / RANKING, ("target", "measure", *RANKED), ("target", "measure"))
    targets, measures = (list(dict.fromkeys(ranking[name])) for name in ("target", "measure"))
    models = read_table(folder / "models.csv", (*COUNTS, *targets), counts=COUNTS)
    _require_columns(folder / "models.csv", models, summary["hyper_parameters"], measures)
    return PoolFolder(
        models=models,
        ranking=ranking,
        environments=_environments(folder / "environments.csv"),
        summary=summary,
        settings=read_json(manifest) if manifest.exists() else {},
    )


def _require_columns(path: Path, models: pd.DataFrame, names: Sequence[str], measures: Sequence[str]) -> None:
    missing = [name for name in (*names, *measures) if name not in models]
    require(not missing, f"{path} must have a column for each hyper-parameter and measure", missing=missing)
    # Norms of products may exceed what 32 bits hold: only words are refused.
    words = [name for name in measures if models[name].dtype.kind not in "iuf"]
    require(not words, f"{path} must hold numbers", not_numbers=words)


def _environments(path: Path) -> pd.DataFrame:
    empty = len(read_text(path).splitlines()) <= 1
    # Pools of few seeds have no environment.
    return pd.DataFrame(columns=[*ENVIRONMENTS]) if empty else read_table(path, ENVIRONMENTS, ENVIRONMENTS[:-1])
