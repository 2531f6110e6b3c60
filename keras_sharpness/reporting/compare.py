"""Runs beside each other and beside what the paper published: a page, a figure for each model, and a table."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from keras_sharpness.files.atomic import atomic_open
from keras_sharpness.reporting.comparison_figure import comparison
from keras_sharpness.reporting.figures import p_value_text, png
from keras_sharpness.reporting.markdown import table
from keras_sharpness.reporting.published import PUBLISHED
from keras_sharpness.reporting.report import QUANTILES, excludes_zero, finding, interval
from keras_sharpness.reporting.run_folder import TITLES
from keras_sharpness.reporting.sources import POINT, PUBLISHED_SOURCE, Pool, read_groups
from keras_sharpness.reporting.tau_figure import forest
from keras_sharpness.statistics import TauDifference, compare_taus
from keras_sharpness.studies.config import SYSTEMS

LEVEL = 0.05
# What differs between any two runs without meaning anything.
PASSING = ("command",)
COLUMNS = ("min", "q25", "median", "q75", "max")
HEADING = """# Comparison of pools

![Kendall's tau of each source with its interval](compare.png)"""
METHOD = """Kendall's tau is positive where sharper models have higher test loss. Its p-value is two-sided, for \
independence. Intervals of tau cover 95 %: a bootstrap over the models, beyond 1,000 models the jackknife. Taus are \
compared as those of independent pools, with the jackknife's standard errors and the normal distribution."""
READ_OFF = """The published points were read off the paper's Figure 1, which prints tau = {tau:.3f} (p = {p_value:g}). \
Its settings are those of the paper's text; the code that drew the figure departs from them in places."""


def write_comparison(runs: Sequence[str], reference: str, output: Path) -> list[str]:
    """Writes `compare.md`, `compare.csv`, `compare.png` and, for each model, `compare_MODEL.png`.

    Nothing is written before all are complete in memory, and each file appears whole.

    Args:
        runs: Folders of runs, or CSV files of other people's results; see `sources.read_groups`.
        reference: What the others are compared with: "published", "none", or another run or file.
        output: The folder.

    Returns:
        The findings, a line each.

    Raises:
        InputError: If a source cannot be read or has no tau.
    """
    groups = read_groups(runs, reference)
    findings = {model: verdicts(pools) for model, pools in groups.items()}
    pictures = {f"compare_{model}.png": png(_figure(model, pools)) for model, pools in groups.items()}
    pictures["compare.png"] = png(forest({_title(model): pools for model, pools in groups.items()}))
    sections = [_section(model, pools, findings[model]) for model, pools in groups.items()]
    page = "\n\n".join([HEADING, *sections, "## How to read this", METHOD]) + "\n"
    rows = pd.DataFrame([_row(model, pool) for model, pools in groups.items() for pool in pools]).to_csv(index=False)
    for name, picture in pictures.items():
        with atomic_open(output / name, "wb") as file:
            file.write(picture)
    for name, text in (("compare.csv", rows), ("compare.md", page)):
        with atomic_open(output / name) as file:
            file.write(text)
    return [f"{model}, {line}" for model, lines in findings.items() for line in lines]


def verdicts(pools: Sequence[Pool]) -> list[str]:
    """Says what each pool but the reference found, whether its sign is the reference's, and whether the taus differ.

    Args:
        pools: The pools of one model.

    Returns:
        A line for each, without markup.
    """
    references = [pool for pool in pools if pool.is_reference]
    lines = []
    for pool in pools:
        if not pool.is_reference:
            found = f"{pool.source}: {finding(pool.kendall)}, {_tau(pool)}."
            lines.append(" ".join([found, *(_against(pool, reference) for reference in references)]))
    return lines


def _against(pool: Pool, reference: Pool) -> str:
    return f"{_sign(pool, reference)}. {_difference(_compared(pool, reference))}."


def _sign(pool: Pool, reference: Pool) -> str:
    theirs = f"{reference.source} has {_tau(reference)}"
    doubt = "" if excludes_zero(reference.kendall) else ", an interval that includes 0"
    if not excludes_zero(pool.kendall):
        return f"Whether the sign holds is open: {theirs}{doubt}"
    holds = pool.kendall.tau * reference.kendall.tau > 0
    return f"The sign {'holds' if holds else 'is reversed'}: {theirs}{doubt}"


def _difference(r: TauDifference) -> str:
    if np.isnan(r.p_value):
        return "Pools so small cannot tell whether the taus differ"
    how = f"{r.difference:.3f} {_difference_interval(r)}, {p_value_text(r.p_value)}"
    return f"The taus differ: {how}" if r.p_value < LEVEL else f"The taus do not clearly differ: {how}"


def _difference_interval(r: TauDifference) -> str:
    return f"[{r.ci_low:.3f}, {r.ci_high:.3f}]"


def _tau(pool: Pool) -> str:
    return f"tau = {pool.kendall.tau:.3f} {interval(pool.kendall)}"


def _compared(pool: Pool, reference: Pool) -> TauDifference:
    return compare_taus(pool.pairs, reference.pairs)


def _figure(model: str, pools: list[Pool]) -> Figure:
    loss_name = SYSTEMS[model].loss if model in SYSTEMS else "loss"
    return comparison(pools, title=_title(model), loss_name=loss_name)


def _title(model: str) -> str:
    return TITLES.get(model, model)


def _section(model: str, pools: list[Pool], findings: list[str]) -> str:
    parts = [
        f"## {_title(model)}",
        *(f"**{line}**" for line in findings),
        f"![Test loss against sharpness, a point per model of each source](compare_{model}.png)",
        _tau_table(pools),
        *_printed(model, pools),
        *_difference_table(pools),
        _quantile_table(pools),
        *_settings(pools),
    ]
    return "\n\n".join(parts)


def _tau_table(pools: list[Pool]) -> str:
    rows = [
        (p.source, f"{p.kendall.tau:.3f}", interval(p.kendall), f"{p.kendall.p_value:.2g}", str(p.kendall.num_models))
        for p in pools
    ]
    return table(("", "Kendall's tau", "95 % interval", "p-value", "models"), rows)


def _printed(model: str, pools: list[Pool]) -> list[str]:
    if pools[-1].source != PUBLISHED_SOURCE:
        return []
    return [READ_OFF.format(tau=PUBLISHED[model].tau, p_value=PUBLISHED[model].p_value)]


def _difference_table(pools: list[Pool]) -> list[str]:
    rows = []
    for a, b in itertools.combinations(pools, 2):
        r = _compared(a, b)
        spread = ("undefined",) * 2 if np.isnan(r.p_value) else (_difference_interval(r), f"{r.p_value:.2g}")
        rows.append((f"{a.source} less {b.source}", f"{r.difference:.3f}", *spread))
    return [table(("", "difference of tau", "95 % interval", "p-value"), rows)] if rows else []


def _quantile_table(pools: list[Pool]) -> str:
    rows = [
        (name.replace("_", " "), pool.source, *(f"{value:.4g}" for value in _quantiles(pool, name)))
        for name in POINT
        for pool in pools
    ]
    return table(("", "", *QUANTILES), rows)


def _quantiles(pool: Pool, name: str) -> np.ndarray:
    return np.quantile(pool.points[name], list(QUANTILES.values()))


def _settings(pools: list[Pool]) -> list[str]:
    """Returns a table of the settings that differ, with a column for each source whose settings are known."""
    known = [pool for pool in pools if pool.settings]
    rows = []
    for name in dict.fromkeys(name for pool in known for name in pool.settings if name not in PASSING):
        values = [_text(pool.settings[name]) if name in pool.settings else None for pool in known]
        if len({value for value in values if value is not None}) > 1:
            rows.append((name, *(value or "" for value in values)))
    if rows:
        return ["Settings that differ:", table(("", *(pool.source for pool in known)), rows)]
    return ["No setting differs that is known of more than one source."] if len(known) > 1 else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _row(model: str, pool: Pool) -> dict[str, Any]:
    kendall = pool.kendall
    row = {
        "model": model,
        "source": pool.source,
        "tau": kendall.tau,
        "tau_ci_low": kendall.ci_low,
        "tau_ci_high": kendall.ci_high,
        "p_value": kendall.p_value,
        "num_models": kendall.num_models,
    }
    quantiles = {
        f"{name}_{short}": value for name in POINT for short, value in zip(COLUMNS, _quantiles(pool, name), strict=True)
    }
    return row | quantiles
