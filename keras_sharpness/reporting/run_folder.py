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
from keras_sharpness.reporting.published import PUBLISHED, Published
from keras_sharpness.statistics import Kendall

COLUMNS = ("epochs", "train_loss", "test_loss", "sharpness", "sharpness_standard_error")
INTERVAL = ("tau_ci_low", "tau_ci_high")
CORRELATION = ("tau", "p_value", *INTERVAL)
TAU = ("tau", "tau_ci_low", "tau_ci_high", "num_models")
SWEEP = ("rho", "m", "mean_sharpness", *TAU)
MEDIANS = ("sharpness_median", "sharpness_mean", "test_loss_median")
ABLATION_TEXTS = ("step", "particular", "released", "paper")
ABLATION = (*ABLATION_TEXTS, *MEDIANS, *TAU)
TITLES = {"fcnn": "FCNN on Abalone", "lenet": "LeNet-5 on FashionMNIST", "gat": "GAT on Cora"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunFolder:
    """A run's settings and results.

    Attributes:
        config: Settings, nested.
        models: A row per model; losses and sharpness may be non-finite.
        summary: Results of the pool as a whole.
        sweep: Tau for each rho and m, if the run has measured it: columns `SWEEP`.
        ablation: Tau after each step from one protocol to the other, if the run has measured it: columns `ABLATION`.
    """

    config: dict[str, Any]
    models: pd.DataFrame
    summary: dict[str, Any]
    sweep: pd.DataFrame | None = None
    ablation: pd.DataFrame | None = None

    @property
    def title(self) -> str:
        """What was measured, such as "GAT on Cora"."""
        model: str = self.setting("model")
        return TITLES.get(model, model)

    @property
    def heading(self) -> str:
        """What a report of the run is called."""
        return f"{self.title}: sharpness and test loss"

    @property
    def command(self) -> str:
        """What makes the run again; "" if it is not known."""
        return str(self.config.get("command") or "")

    @property
    def loss_name(self) -> str:
        """What the losses are."""
        return "cross-entropy" if "test_error" in self.models else "mean squared error"

    @property
    def sharpness_name(self) -> str:
        """What the sharpness is."""
        adaptive = self.setting("scaling", "adaptive") == "adaptive"
        return "Adaptive worst-case sharpness" if adaptive else "Worst-case sharpness"

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
        low, high = (float("nan") if end is None else end for end in (low, high))
        return Kendall(tau=tau, p_value=p_value, ci_low=low, ci_high=high, num_models=self.summary["num_models"])

    @property
    def published(self) -> Published | None:
        """What the paper prints of this model, if it has it."""
        return PUBLISHED.get(self.setting("model"))

    def setting(self, name: str, default: Any = None) -> Any:
        """Returns a setting by its own name, wherever it is nested; the outermost if there are several."""
        found = [(path.count("."), value) for path, value in flatten(self.config) if path.split(".")[-1] == name]
        return min(found, key=lambda item: item[0])[1] if found else default


def read_run(folder: Path) -> RunFolder:
    """Reads `config.json`, `models.csv` and `summary.json`, and `sweep.csv` and `ablation.csv` where they exist.

    Args:
        folder: The run's folder.

    Returns:
        The run.

    Raises:
        InputError: If a file is missing or damaged, or lacks what a report needs.
    """
    config, summary = _read_json(folder / "config.json"), _read_json(folder / "summary.json")
    run = RunFolder(
        config=config,
        models=read_table(folder / "models.csv", COLUMNS),
        summary=summary,
        sweep=_read_optional(folder / "sweep.csv", SWEEP, texts=("m",)),
        ablation=_read_optional(folder / "ablation.csv", ABLATION, ABLATION_TEXTS),
    )
    _check_summary(folder / "summary.json", summary)
    require(isinstance(run.setting("model"), str), f"{folder / 'config.json'} must name the `model`")
    positive = run.sweep is None or bool((run.sweep["rho"] > 0).all())
    require(positive, f"{folder / 'sweep.csv'} must hold positive `rho`")
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


def _read_optional(path: Path, columns: tuple[str, ...], texts: tuple[str, ...]) -> pd.DataFrame | None:
    return read_table(path, columns, texts) if path.exists() else None


def read_table(path: Path, columns: tuple[str, ...], texts: tuple[str, ...] = ()) -> pd.DataFrame:
    """Reads a CSV file, of a row per model or another.

    Args:
        path: The file.
        columns: Columns that it must have; more are allowed.
        texts: Those of them that hold text; the others hold numbers.

    Returns:
        The table.

    Raises:
        InputError: If the file is missing or damaged, or lacks a column or rows.
    """
    require(path.is_file(), f"{path} must be a readable file")
    numbers = set(columns) - set(texts)
    # In a text, "None" is a word; in a number, a gap.
    gaps = dict.fromkeys(numbers, ["", "nan", "NaN"])
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(texts, str), keep_default_na=not texts, na_values=gaps)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} must be a CSV table. Received: {reason(error)}") from error
    missing = [name for name in columns if name not in table]
    require(not missing, f"{path} must have the columns {', '.join(columns)}", missing=missing)
    require(len(table) > 0, f"{path} must have at least one row", rows=0)
    words = sorted(name for name in numbers if table[name].dtype.kind not in "iuf")
    require(not words, f"{path} must hold numbers", not_numbers=words)
    sizes = table[sorted(numbers)].abs()
    large = list(sizes.columns[((sizes > np.finfo(np.float32).max) & (sizes < np.inf)).any()])
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
    # Without a tau there is nothing; a small pool has a tau without an interval.
    undefined = next((names for names in (CORRELATION, INTERVAL) if all(summary[name] is None for name in names)), ())
    for name in (name for name in CORRELATION if name not in undefined):
        value = summary[name]
        require(
            _is_number(value) and abs(value) <= 1, f"`{name}` in {path} must be a number from -1 to 1", **{name: value}
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
