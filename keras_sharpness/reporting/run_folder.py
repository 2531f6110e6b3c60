"""What a finished run left in its folder, read and checked."""

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.errors import InputError, reason, require
from keras_sharpness.statistics import Kendall

COLUMNS = ("epochs", "train_loss", "test_loss", "sharpness", "sharpness_standard_error")
CORRELATION = ("tau", "p_value", "tau_ci_low", "tau_ci_high")


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunFolder:
    """A run's settings and results.

    Attributes:
        config: Settings, nested.
        models: A row per model; losses and sharpness may be non-finite.
        summary: Results of the pool as a whole.
    """

    config: dict[str, Any]
    models: pd.DataFrame
    summary: dict[str, Any]

    @property
    def finite(self) -> pd.DataFrame:
        """The models with finite sharpness and test loss: those that tau is about."""
        models = self.models
        finite: pd.DataFrame = models.loc[np.isfinite(models["sharpness"]) & np.isfinite(models["test_loss"])]
        return finite

    @property
    def num_diverged(self) -> int:
        """Models left out of tau."""
        return int(self.summary.get("num_diverged", len(self.models) - len(self.finite)))

    @property
    def kendall(self) -> Kendall | None:
        """The rank correlation; None where it is undefined."""
        tau, p_value, low, high = (self.summary[name] for name in CORRELATION)
        if tau is None:
            return None
        return Kendall(tau=tau, p_value=p_value, ci_low=low, ci_high=high, num_models=self.summary["num_models"])

    def setting(self, name: str, default: Any = None) -> Any:
        """Returns a setting by its own name, wherever it is nested; the outermost if there are several."""
        found = [(path.count("."), value) for path, value in flatten(self.config) if path.split(".")[-1] == name]
        return min(found, key=lambda item: item[0])[1] if found else default


def read_run(folder: Path) -> RunFolder:
    """Reads `config.json`, `models.csv` and `summary.json`.

    Args:
        folder: The run's folder.

    Returns:
        The run.

    Raises:
        InputError: If a file is missing or damaged, or lacks what a report needs.
    """
    config, summary = _read_json(folder / "config.json"), _read_json(folder / "summary.json")
    run = RunFolder(config=config, models=read_table(folder / "models.csv", COLUMNS), summary=summary)
    _check_summary(folder / "summary.json", summary)
    require(isinstance(run.setting("model"), str), f"{folder / 'config.json'} must name the `model`")
    rho = run.setting("rho")
    require(_is_number(rho) and rho >= 0, f"{folder / 'config.json'} must hold `rho`, not negative", rho=rho)
    return run


def flatten(settings: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the leaves of nested settings under dotted names, such as "sharpness.maximizer.num_steps".

    Args:
        settings: Settings, nested.
        prefix: What the names start with.

    Yields:
        Name and value.
    """
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: Any = json.loads(_read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} must be JSON. Received: {error}") from error
    require(isinstance(content, dict), f"{path} must hold a JSON object", type=type(content).__name__)
    return dict(content)


def read_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Reads a CSV file that has a row per model.

    Args:
        path: The file.
        columns: Columns of numbers that it must have; more are allowed.

    Returns:
        The table.

    Raises:
        InputError: If the file is missing or damaged, or lacks a column or rows.
    """
    require(path.is_file(), f"{path} must be a readable file")
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} must be a CSV table. Received: {reason(error)}") from error
    missing = [name for name in columns if name not in table]
    require(not missing, f"{path} must have the columns {', '.join(columns)}", missing=missing)
    require(len(table) > 0, f"{path} must have a row per model", rows=0)
    words = [name for name in columns if table[name].dtype.kind not in "iuf"]
    require(not words, f"{path} must hold numbers", not_numbers=words)
    numbers = table[list(columns)].abs()
    large = list(numbers.columns[((numbers > np.finfo(np.float32).max) & (numbers < np.inf)).any()])
    require(not large, f"{path} must hold numbers of 32 bits", too_large=large)
    return table


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} must be a readable file. Received: {error.strerror}") from error


def _check_summary(path: Path, summary: dict[str, Any]) -> None:
    for name in ("num_models", *CORRELATION):
        require(name in summary, f"{path} must hold `{name}`", keys=sorted(summary))
    for name in ("num_models", "num_diverged"):
        value = summary.get(name, 0)
        require(type(value) is int and value >= 0, f"`{name}` in {path} must be a count", **{name: value})
    undefined = all(summary[name] is None for name in CORRELATION)
    for name in () if undefined else CORRELATION:
        value = summary[name]
        require(
            _is_number(value) and abs(value) <= 1, f"`{name}` in {path} must be a number from -1 to 1", **{name: value}
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
