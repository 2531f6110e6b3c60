"""The page and the table of a comparison."""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_sharpness.reporting import markdown
from keras_sharpness.reporting.differences import Difference, compared
from keras_sharpness.reporting.published import PUBLISHED
from keras_sharpness.reporting.sections import QUANTILES
from keras_sharpness.reporting.sources import POINT, PUBLISHED_SOURCE, Pool
from keras_sharpness.reporting.wording import interval, number, p_value, quantity, title
from keras_sharpness.statistics.correlation import MOST_RESAMPLED

# Settings that differ between any two runs and change no result.
WITHOUT_EFFECT = ("command",)
COLUMNS = ("min", "q25", "median", "q75", "max")
METHOD = f"""Kendall's tau is positive where sharper models have higher test loss. Its p-value is two-sided, for the
hypothesis of independence. Intervals of tau cover 95 %: they are a bootstrap over the models, and a jackknife for more
than {MOST_RESAMPLED:,} models. Pools that share no seed are compared as independent, with jackknife standard errors and
the normal distribution. Pools that share seeds are not independent. Only the networks of the shared seeds are then
compared, in pairs, with the jackknife over these networks and Student's distribution. A table without a column `seed`
is taken to share none."""
READ_OFF = """The published points were read off the paper's Figure 1, which prints tau = {tau} (p = {p}). Its settings
are those of the paper's text; the code that drew the figure differs from the text in places."""


def page(groups: Mapping[str, list[Pool]], findings: Mapping[str, list[str]]) -> str:
    """Returns the page of a comparison in Markdown.

    Args:
        groups: By model, its pools.
        findings: By model, what was found, a line each.
    """
    picture = "![Kendall's tau of each source with its interval](compare.png)"
    sections = [_section(model, pools, findings[model]) for model, pools in groups.items()]
    method = markdown.section("How to read this", " ".join(METHOD.split()))
    return markdown.page("Comparison of pools", picture, *sections, method)


def row(model: str, pool: Pool) -> dict[str, Any]:
    """Returns a pool's row of the table.

    Args:
        model: The pool's model.
        pool: The pool.
    """
    kendall = pool.kendall
    found = {
        "model": model,
        "source": pool.source,
        "tau": kendall.tau,
        "tau_ci_low": kendall.ci_low,
        "tau_ci_high": kendall.ci_high,
        "p_value": kendall.p_value,
        "num_models": kendall.num_models,
    }
    for name in POINT:
        found |= zip((f"{name}_{short}" for short in COLUMNS), _quantiles(pool, name), strict=True)
    return found


def _section(model: str, pools: list[Pool], findings: Sequence[str]) -> str:
    return markdown.section(
        title(model),
        *(f"**{line}**" for line in findings),
        f"![Test loss against sharpness, a point per model of each source](compare_{model}.png)",
        _tau_table(pools),
        *_printed(model, pools),
        *_difference_table(pools),
        _quantile_table(pools),
        *_settings(pools),
    )


def _tau_table(pools: list[Pool]) -> str:
    rows = [
        (pool.source, number(k.tau), interval(k.ci_low, k.ci_high), p_value(k.p_value), str(k.num_models))
        for pool, k in ((pool, pool.kendall) for pool in pools)
    ]
    return markdown.table(("", "Kendall's tau", "95 % interval", "p-value", "models"), rows)


def _printed(model: str, pools: list[Pool]) -> list[str]:
    if pools[-1].source != PUBLISHED_SOURCE:
        return []
    text = READ_OFF.format(tau=number(PUBLISHED[model].tau), p=p_value(PUBLISHED[model].p_value))
    return [" ".join(text.split())]


def _difference_table(pools: list[Pool]) -> list[str]:
    rows = [
        (f"{a.source} minus {b.source}", *_difference_cells(compared(a, b)))
        for a, b in itertools.combinations(pools, 2)
    ]
    return [markdown.table(("", "difference of tau", "95 % interval", "p-value", "compared on"), rows)] if rows else []


def _difference_cells(r: Difference) -> tuple[str, ...]:
    return number(r.difference), interval(r.ci_low, r.ci_high), p_value(r.p_value), r.basis


def _quantile_table(pools: list[Pool]) -> str:
    rows = [
        (name.replace("_", " "), pool.source, *map(quantity, _quantiles(pool, name)))
        for name in POINT
        for pool in pools
    ]
    return markdown.table(("", "", *QUANTILES), rows)


def _quantiles(pool: Pool, name: str) -> np.ndarray:
    return np.quantile(pool.points[name], list(QUANTILES.values()))


def _settings(pools: list[Pool]) -> list[str]:
    """Returns a table of the settings that differ, with a column for each source whose settings are known."""
    known = [pool for pool in pools if pool.settings]
    names = dict.fromkeys(name for pool in known for name in pool.settings if name not in WITHOUT_EFFECT)
    columns = {name: [_text(pool.settings[name]) if name in pool.settings else "" for pool in known] for name in names}
    rows = [(name, *values) for name, values in columns.items() if len({*values} - {""}) > 1]
    if rows:
        return ["Settings that differ:", markdown.table(("", *(pool.source for pool in known)), rows)]
    return ["No known setting differs between the sources."] if len(known) > 1 else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
