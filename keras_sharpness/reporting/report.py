"""A run's report: what it found, beside what the paper prints, and how to repeat it."""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.files.atomic import atomic_open
from keras_sharpness.reporting import html
from keras_sharpness.reporting.correlations import correlations
from keras_sharpness.reporting.figures import p_value_text, png, scatter
from keras_sharpness.reporting.markdown import table
from keras_sharpness.reporting.published import Published
from keras_sharpness.reporting.run_folder import CORRELATION, MEDIANS, RunFolder, flatten, read_run
from keras_sharpness.reporting.section import Section
from keras_sharpness.statistics import Kendall
from keras_sharpness.statistics.correlation import MOST_RESAMPLED

QUANTILES = {"minimum": 0, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "maximum": 1}
BESIDE = """How far training got moves both sharpness and test loss. The tau given training loss is that of residuals,
which is zero where the two are independent given training loss; its interval is a jackknife over the models."""
TAU_HEAD = ("tau", "95 % interval", "models")
DISTRIBUTED = ("sharpness", "train_loss", "test_loss", "train_error", "test_error", "epochs")


def write_report(folder: str | Path) -> Path:
    """Writes `scatter.png`, `report.html` and `report.md` into the folder of a finished run.

    Nothing is written before all are complete in memory, and each file appears whole.

    Args:
        folder: The run's folder, with `config.json`, `models.csv` and `summary.json`; `sweep.csv` and `ablation.csv`
            are shown if it holds them.

    Returns:
        Path of `report.md`.

    Raises:
        InputError: If one of the first three files is missing, or any of them damaged.
    """
    folder = Path(folder)
    run = read_run(folder)
    sections = list(_sections(run))
    sentences = [verdict(run.kendall, run.published), *_left_out(run)]
    picture, text, page = _picture(run), _text(run, sentences, sections), html.page(run, sentences, sections)
    with atomic_open(folder / "scatter.png", "wb") as file:
        file.write(picture)
    for path, content in ((folder / "report.html", page), (folder / "report.md", text)):
        with atomic_open(path) as file:
            file.write(content)
    return folder / "report.md"


def verdict(kendall: Kendall | None, published: Published | None) -> str:
    """Says in one sentence what the run found.

    Args:
        kendall: The run's correlation; None if it is undefined.
        published: The paper's, if it has this model.

    Returns:
        A sentence without markup.
    """
    if kendall is None:
        return "Kendall's tau is undefined: too few models with finite, different values."
    if math.isnan(kendall.ci_low):
        return f"{finding(kendall)}: tau = {kendall.tau:.3f}, of {kendall.num_models} models: too few for an interval."
    found = (
        f"{finding(kendall)}: tau = {kendall.tau:.3f}, and its {100 * kendall.confidence:g} % interval "
        f"{interval(kendall)} {'excludes' if excludes_zero(kendall) else 'includes'} 0"
    )
    return f"{found}; {_comparison(kendall, published)}." if published else f"{found}."


def finding(kendall: Kendall) -> str:
    """Returns in words what tau means, if its interval leaves out zero."""
    if not excludes_zero(kendall):
        return "No clear relation between sharpness and test loss"
    return f"Sharper models had {'higher' if kendall.tau > 0 else 'lower'} test loss"


def excludes_zero(kendall: Kendall) -> bool:
    """Returns whether the interval of tau leaves out zero."""
    return kendall.ci_low > 0 or kendall.ci_high < 0


def _comparison(kendall: Kendall, published: Published) -> str:
    sign = "the same sign" if kendall.tau * published.tau > 0 else "another sign"
    place = "inside" if kendall.ci_low <= published.tau <= kendall.ci_high else "outside"
    return f"the paper's {published.tau:.3f} has {sign} and lies {place} the interval"


def interval(kendall: Kendall) -> str:
    """Returns "[-0.457, -0.047]", or "(no interval)" for pools too small for one."""
    return interval_text(kendall.ci_low, kendall.ci_high)


def interval_text(low: float, high: float) -> str:
    """Returns "[-0.457, -0.047]", or "(no interval)" where the ends are NaN."""
    return "(no interval)" if math.isnan(low) else f"[{low:.3f}, {high:.3f}]"


def _picture(run: RunFolder) -> bytes:
    names = {"title": run.title, "loss_name": run.loss_name, "sharpness_name": run.sharpness_name}
    return png(scatter(run.finite, run.kendall, rho=run.setting("rho"), **names))


def _text(run: RunFolder, sentences: list[str], sections: Iterable[Section]) -> str:
    found, *others = sentences
    parts = [
        f"# {run.heading}",
        f"**{found}**",
        *others,
        "![Test loss against sharpness, a point per model](scatter.png)",
        *(part for section in sections for part in _markdown(section)),
        *([f"## Repeat this run\n\n```sh\n{run.command}\n```"] if run.command else []),
    ]
    return "\n\n".join(parts) + "\n"


def _sections(run: RunFolder) -> Iterator[Section]:
    yield _correlation(run)
    yield _beside(run)
    if run.sweep is not None:
        yield _sweep(run.sweep)
    if run.ablation is not None:
        yield from _ablation(run.ablation)
    yield Section(heading="Models", rows=_quantiles(run))
    yield from _values("Times", _times(run))
    yield from _values("Further results", _further(run))
    yield from _values("Settings", ((name, value) for name, value in flatten(run.config) if name != "command"))


def _left_out(run: RunFolder) -> list[str]:
    if not run.num_diverged:
        return []
    models, are = ("model", "is") if run.num_diverged == 1 else ("models", "are")
    return [f"{run.num_diverged} {models} with a non-finite loss or sharpness {are} left out of tau and of the figure."]


def _correlation(run: RunFolder) -> Section:
    rows = [["", "this run"], *map(list, _our_column(run))]
    if run.published:
        rows = [[*row, value] for row, value in zip(rows, _paper_column(run.published), strict=True)]
    return Section(heading="Correlation", rows=rows, note=_precision(run.published), figure="taus")


def _our_column(run: RunFolder) -> list[tuple[str, str]]:
    kendall = run.kendall
    return [
        ("Kendall's tau", f"{kendall.tau:.3f}" if kendall else "undefined"),
        ("95 % interval", interval(kendall) if kendall else "undefined"),
        ("p-value", p_value_text(kendall.p_value).removeprefix("p ").removeprefix("= ") if kendall else "undefined"),
        ("models", str(run.summary["num_models"])),
        ("rho", f"{run.setting('rho'):g}"),
    ]


def _paper_column(published: Published) -> list[str]:
    heading, tau = f"paper, {published.source}", f"{published.tau:.3f}"
    return [heading, tau, "not given", f"{published.p_value:g}", str(published.num_models), f"{published.rho:g}"]


def _precision(published: Published | None) -> str:
    text = "The p-value is two-sided, for independence. The interval is a percentile bootstrap over the models, beyond "
    text += f"{MOST_RESAMPLED:,} models the jackknife's."
    if not published:
        return text
    size = published.num_models
    deviation = math.sqrt(2 * (2 * size + 5) / (9 * size * (size - 1)))
    return (
        f"{text} The paper's tau is uncertain too: over pools of {size} models, tau has a standard deviation of "
        f"{deviation:.2f} where sharpness and test loss are independent."
    )


def _beside(run: RunFolder) -> Section:
    rows = [
        (name, f"{found.tau:.3f}", interval(found)) if found else (name, "undefined", "undefined")
        for name, found in correlations(run.finite)
    ]
    return Section(heading="Tau of sharpness with other quantities", rows=[("", *TAU_HEAD[:2]), *rows], note=BESIDE)


def _sweep(table: pd.DataFrame) -> Section:
    rows = [(f"{row.rho:g}", str(row.m), f"{row.mean_sharpness:.4g}", *_tau_cells(row)) for row in table.itertuples()]
    return Section(
        heading="Tau against rho and m", rows=[("rho", "m", "mean sharpness", *TAU_HEAD), *rows], figure="sweep"
    )


def _ablation(table: pd.DataFrame) -> Iterator[Section]:
    particulars = table[["step", "particular", "released", "paper"]]
    yield Section(
        heading="The released code and the paper's text",
        rows=[("step", "particular", "released code", "paper"), *particulars.to_numpy().tolist()],
    )
    rows = [
        (str(row.step), str(row.particular), *(f"{getattr(row, name):.4g}" for name in MEDIANS), *_tau_cells(row))
        for row in table.itertuples()
    ]
    yield Section(
        heading="Tau from one protocol to the other",
        rows=[("step", "particular", *(name.replace("_", " ") for name in MEDIANS), *TAU_HEAD), *rows],
        figure="ablation",
    )


def _tau_cells(row: Any) -> tuple[str, str, str]:
    return f"{row.tau:.3f}", interval_text(row.tau_ci_low, row.tau_ci_high), f"{row.num_models:g}"


def _quantiles(run: RunFolder) -> list[tuple[str, ...]]:
    rows = [("", *QUANTILES)]
    for name in DISTRIBUTED:
        if name in run.finite and len(run.finite):
            values = np.nanquantile(run.finite[name], list(QUANTILES.values()))
            rows.append((name.replace("_", " "), *(f"{value:.4g}" for value in values)))
    return rows


def _times(run: RunFolder) -> list[tuple[str, str]]:
    seconds = ((name, value) for name, value in flatten(run.summary) if name.startswith("seconds_"))
    return [(name.removeprefix("seconds_").replace("_", " "), f"{_plain(value)} s") for name, value in seconds]


def _further(run: RunFolder) -> list[tuple[str, Any]]:
    shown = {*CORRELATION, "num_models", "num_diverged"}
    return [item for item in flatten(run.summary) if item[0] not in shown and not item[0].startswith("seconds_")]


def _values(heading: str, items: Iterable[tuple[str, Any]]) -> Iterator[Section]:
    rows = [(name, _plain(value)) for name, value in items]
    if rows:
        yield Section(heading=heading, rows=[("", "value"), *rows])


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list) and all(isinstance(entry, str | int | float) for entry in value):
        return ", ".join(map(_plain, value))
    return value if isinstance(value, str) else json.dumps(value)


def _markdown(section: Section) -> list[str]:
    return [f"## {section.heading}", table(section.rows[0], section.rows[1:]), *filter(None, [section.note])]
