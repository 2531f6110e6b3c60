"""The results of a finished run, read from its folder and checked."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.errors import require
from keras_sharpness.reporting import wording
from keras_sharpness.reporting.detail_statistics import Details, read_details
from keras_sharpness.reporting.published import PUBLISHED, Published
from keras_sharpness.reporting.reading import read_json, read_table, read_text
from keras_sharpness.statistics import Kendall

COLUMNS = ("epochs", "train_loss", "test_loss", "sharpness", "sharpness_standard_error")
COUNTS, ERRORS = ("index", "seed", "epochs"), ("train_error", "test_error")
INTERVAL = ("tau_ci_low", "tau_ci_high")
CORRELATION = ("tau", "p_value", *INTERVAL)
TAU = ("tau", "tau_ci_low", "tau_ci_high", "num_models")
SWEEP = ("rho", "m", "mean_sharpness", *TAU)
GRADIENT_NORM = ("tau_gradient_norm", "tau_gradient_norm_ci_low", "tau_gradient_norm_ci_high")
BATCH_SIZES = ("m", "slope", "slope_ci_low", "slope_ci_high", "second_order_from", *GRADIENT_NORM)
PAIRS = ("first_rho", "first_m", "second_rho", "second_m", "difference", "ci_low", "ci_high", "p_corrected")
MEDIANS = ("sharpness_median", "sharpness_mean", "test_loss_median")
ABLATION_TEXTS = ("step", "particular", "released", "paper")
ABLATION = (*ABLATION_TEXTS, *MEDIANS, *TAU)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SweepTables:
    """What a sweep of the run's models found.

    Attributes:
        settings: A row for each rho and m: columns `SWEEP` and perhaps more; see `studies.sweep_tables`.
        batch_sizes: A row for each m, columns `BATCH_SIZES`; None if there is no such file.
        pairs: A row for each pair of settings, columns `PAIRS`; None if there is no such file, or no pair.
    """

    settings: pd.DataFrame
    batch_sizes: pd.DataFrame | None = None
    pairs: pd.DataFrame | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunFolder:
    """A run's settings and results.

    Attributes:
        config: Settings, nested.
        models: A row per model; losses and sharpness may be non-finite.
        summary: Results of the pool as a whole.
        sweep: Tau for each rho and m, if the run has measured it.
        ablation: Tau after each step from one protocol to the other, if the run has measured it: columns `ABLATION`.
        details: What the numbers of the pool are means of, if the run has kept it.
    """

    config: dict[str, Any]
    models: pd.DataFrame
    summary: dict[str, Any]
    sweep: SweepTables | None = None
    ablation: pd.DataFrame | None = None
    details: Details | None = None

    @property
    def title(self) -> str:
        """What was measured, such as "GAT on Cora"."""
        return wording.title(self.setting("model"))

    @property
    def heading(self) -> str:
        """Heading of the run's report."""
        return wording.heading(self.setting("model"), "sharpness and test loss")

    @property
    def command(self) -> str:
        """The command that repeats the run; "" if it is not known."""
        return str(self.config.get("command") or "")

    @property
    def loss_name(self) -> str:
        """Name of the loss."""
        return "cross-entropy" if "test_error" in self.models else "mean squared error"

    @property
    def sharpness_name(self) -> str:
        """Name of the sharpness."""
        adaptive = self.setting("scaling", "adaptive") == "adaptive"
        return "Adaptive worst-case sharpness" if adaptive else "Worst-case sharpness"

    @property
    def finite(self) -> pd.DataFrame:
        """The models with finite sharpness and test loss, which tau is computed from."""
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
        """What the paper prints for this model; None if the paper does not have it."""
        return PUBLISHED.get(self.setting("model"))

    def setting(self, name: str, default: Any = None) -> Any:
        """Returns a setting by its own name, wherever it is nested; the outermost if there are several."""
        found = [(path.count("."), value) for path, value in flatten(self.config) if path.split(".")[-1] == name]
        return min(found, key=lambda item: item[0])[1] if found else default


def read_run(folder: Path) -> RunFolder:
    """Reads `config.json`, `models.csv` and `summary.json`, and where they exist the tables of a sweep or ablation.

    Args:
        folder: The run's folder.

    Returns:
        The run.

    Raises:
        InputError: If a file is missing or damaged, or lacks what a report needs.
    """
    config, summary = read_json(folder / "config.json"), read_json(folder / "summary.json")
    run = RunFolder(
        config=config,
        models=read_table(folder / "models.csv", COLUMNS, counts=COUNTS, optional=ERRORS),
        summary=summary,
        sweep=_read_sweep(folder),
        details=read_details(folder / "details.npz"),
        ablation=_read_optional(folder / "ablation.csv", ABLATION, ABLATION_TEXTS),
    )
    _check_summary(folder / "summary.json", summary)
    require(isinstance(run.setting("model"), str), f"{folder / 'config.json'} must name the `model`")
    radii = np.ones(1) if run.sweep is None else run.sweep.settings["rho"].to_numpy(float)
    fits = bool((np.isfinite(radii) & (radii > 0)).all())
    require(fits, f"{folder / 'sweep.csv'} must hold finite and positive `rho`", rho=radii.tolist())
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


def _read_optional(path: Path, columns: tuple[str, ...], texts: tuple[str, ...]) -> pd.DataFrame | None:
    return read_table(path, columns, texts) if path.exists() else None


def _read_sweep(folder: Path) -> SweepTables | None:
    if not (folder / "sweep.csv").exists():
        return None
    pairs, texts = folder / "sweep_pairs.csv", ("first_m", "second_m")
    # A single setting, or a small pool, leaves a table without rows.
    some = pairs.exists() and len(read_text(pairs).splitlines()) > 1
    return SweepTables(
        settings=read_table(folder / "sweep.csv", SWEEP, ("m",)),
        batch_sizes=_read_optional(folder / "sweep_batch_sizes.csv", BATCH_SIZES, ("m",)),
        pairs=read_table(pairs, PAIRS, texts) if some else None,
    )


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
