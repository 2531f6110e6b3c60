"""The tables of a run's report, the same in each of its forms."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.reporting.correlations import correlations
from keras_sharpness.reporting.details_sections import details_sections
from keras_sharpness.reporting.published import Published
from keras_sharpness.reporting.run_folder import CORRELATION, MEDIANS, RunFolder, flatten
from keras_sharpness.reporting.section import TAU_HEAD, Section, plain, tau_cells, values
from keras_sharpness.reporting.sweep_sections import sweep_sections
from keras_sharpness.reporting.wording import UNDEFINED, interval, number, p_value, quantity
from keras_sharpness.statistics import Kendall
from keras_sharpness.statistics.correlation import MOST_RESAMPLED

QUANTILES = {"minimum": 0, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "maximum": 1}
GIVEN_TRAINING_LOSS = """Sharpness and test loss both vary with the training loss that was reached. The tau given
training loss is that of residuals. It is zero if sharpness and test loss are independent given training loss. Its
interval is a jackknife over the models."""
PRECISION = f"""The p-value is two-sided, for the hypothesis of independence. The interval is a percentile bootstrap
over the models; for more than {MOST_RESAMPLED:,} models it is a jackknife."""
PRECISION_OF_PAPER = """The paper's tau is uncertain too. Where sharpness and test loss are independent, the tau of
{size} models has a standard deviation of {deviation:.2f}."""
DISTRIBUTED = ("sharpness", "train_loss", "test_loss", "train_error", "test_error", "epochs")


def sections(run: RunFolder) -> Iterator[Section]:
    """Yields the tables of a run's report.

    Args:
        run: The run.

    Yields:
        The correlation, correlations with other quantities, what else the run has measured, and its settings.
    """
    yield _correlation(run)
    yield _others(run)
    if run.details is not None:
        yield from details_sections(run.details, run.setting("rho"))
    if run.sweep is not None:
        yield from sweep_sections(run.sweep, run.setting("rho"))
    if run.ablation is not None:
        yield from _ablation(run.ablation)
    yield Section(heading="Models", rows=_quantiles(run))
    yield from values("Times", _times(run))
    yield from values("Further results", _further(run))
    yield from values("Settings", ((name, value) for name, value in flatten(run.config) if name != "command"))


def _correlation(run: RunFolder) -> Section:
    rows = [["", "this run"], *map(list, _our_column(run))]
    note = PRECISION
    if run.published:
        rows = [[*row, value] for row, value in zip(rows, _paper_column(run.published), strict=True)]
        note = f"{PRECISION} {_precision_of(run.published)}"
    return Section(heading="Correlation", rows=rows, note=" ".join(note.split()), figure="taus")


def _our_column(run: RunFolder) -> list[tuple[str, str]]:
    kendall = run.kendall
    return [
        ("Kendall's tau", number(kendall.tau) if kendall else UNDEFINED),
        ("95 % interval", _interval_of(kendall)),
        ("p-value", p_value(kendall.p_value) if kendall else UNDEFINED),
        ("models", str(run.summary["num_models"])),
        ("rho", f"{run.setting('rho'):g}"),
    ]


def _paper_column(published: Published) -> list[str]:
    heading, tau = f"paper, {published.source}", number(published.tau)
    return [heading, tau, "not given", p_value(published.p_value), str(published.num_models), f"{published.rho:g}"]


def _precision_of(published: Published) -> str:
    size = published.num_models
    return PRECISION_OF_PAPER.format(size=size, deviation=math.sqrt(2 * (2 * size + 5) / (9 * size * (size - 1))))


def _interval_of(kendall: Kendall | None) -> str:
    return interval(kendall.ci_low, kendall.ci_high) if kendall else UNDEFINED


def _others(run: RunFolder) -> Section:
    rows = [
        (name, number(found.tau) if found else UNDEFINED, _interval_of(found))
        for name, found in correlations(run.finite)
    ]
    heading, note = "Tau of sharpness with other quantities", " ".join(GIVEN_TRAINING_LOSS.split())
    return Section(heading=heading, rows=[("", *TAU_HEAD[:2]), *rows], note=note)


def _ablation(table: pd.DataFrame) -> Iterator[Section]:
    particulars = table[["step", "particular", "released", "paper"]]
    yield Section(
        heading="The released code and the paper's text",
        rows=[("step", "particular", "released code", "paper"), *particulars.to_numpy().tolist()],
    )
    rows = [
        (str(row.step), str(row.particular), *(quantity(getattr(row, name)) for name in MEDIANS), *tau_cells(row))
        for row in table.itertuples()
    ]
    yield Section(
        heading="Tau from one protocol to the other",
        rows=[("step", "particular", *(name.replace("_", " ") for name in MEDIANS), *TAU_HEAD), *rows],
        figure="ablation",
    )


def _quantiles(run: RunFolder) -> list[tuple[str, ...]]:
    rows = [("", *QUANTILES)]
    for name in DISTRIBUTED:
        if name in run.finite and len(run.finite):
            quantiles = np.nanquantile(run.finite[name], list(QUANTILES.values()))
            rows.append((name.replace("_", " "), *map(quantity, quantiles)))
    return rows


def _times(run: RunFolder) -> list[tuple[str, str]]:
    seconds = ((name, value) for name, value in flatten(run.summary) if name.startswith("seconds_"))
    return [(name.removeprefix("seconds_").replace("_", " "), f"{plain(value)} s") for name, value in seconds]


def _further(run: RunFolder) -> list[tuple[str, Any]]:
    shown = {*CORRELATION, "num_models", "num_diverged"}
    return [item for item in flatten(run.summary) if item[0] not in shown and not item[0].startswith("seconds_")]
