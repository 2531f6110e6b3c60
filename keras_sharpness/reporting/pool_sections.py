"""The tables of the report on a pool over hyper-parameters."""

from collections.abc import Iterator, Sequence

import pandas as pd

from keras_sharpness.reporting.environments_of_measure import HEAD, errors_of, worst_cells
from keras_sharpness.reporting.page_data import MOST_SHOWN
from keras_sharpness.reporting.pool_findings import target_name
from keras_sharpness.reporting.pool_folder import FIRST_TARGET, RANKED_STATUSES, SIGN_ERRORS, PoolFolder
from keras_sharpness.reporting.ranked_measures import CRITERIA, Ranking, criteria
from keras_sharpness.reporting.run_folder import flatten
from keras_sharpness.reporting.section import Section, values
from keras_sharpness.reporting.wording import interval, number, quantity
from keras_sharpness.statistics.environments import LEAST_PAIRS

RANKING_NOTE = """Brackets: 95 % intervals that hold for all measures of the table at once (Bonferroni; not for all
targets and criteria at once). They come from a jackknife over settings. Tau is Kendall's, over all models. Conditional
mutual information is that of Jiang et al. 2020, equation 12: between 0 and 1, without a sign, and above 0 even for a
measure that knows nothing; of more than 2,000 models it is that of 2,000 drawn at random. Sign errors are shares of
pairs that a measure orders otherwise than the target, over environments: above 0.5, the measure orders them the other
way round."""
WITHIN_NOTE = """Tau of models that differ in one hyper-parameter only, averaged over the settings of the others; psi is
the mean of a row. A measure that is large and of one sign in each column ranks models whichever hyper-parameter
varies."""
SCATTER_NOTE = f"""The picture holds all models of the ranking, the page at most {MOST_SHOWN:,} of them, drawn at
random. The more there are, the smaller and fainter their points. Colours of a hyper-parameter with many values are
ranges with equally many models each."""
ENVIRONMENTS_NOTE = f"""An environment is a pair of settings that differ in one hyper-parameter (Dziugaite et al. 2020).
Its sign error is the share of its pairs of models that the measure orders otherwise than {target_name(FIRST_TARGET)}:
0 if it is always right, 0.5 for a coin, 1 if it is always the other way round. Environments of fewer than
{LEAST_PAIRS:g} pairs are left out. Here, a measure with a negative psi is taken the other way round."""
NO_ENVIRONMENT = f"""No environment has {LEAST_PAIRS:g} pairs of models: four seeds of each setting have 16."""


def pool_sections(pool: PoolFolder, rankings: Sequence[Ranking]) -> Iterator[Section]:
    """Yields the tables of the report.

    Args:
        pool: The pool.
        rankings: The ranking of each target; the first is shown.

    Yields:
        The ranking, taus within hyper-parameters, environments, counts, times and settings.
    """
    first, look = rankings[0], "sortable"
    yield _section("Ranking of measures", ranking_rows(pool, first), RANKING_NOTE, figure="ranking", look=look)
    if len(rankings) > 1:
        yield _section("Other targets", _other_targets(rankings), "Intervals as above.")
    yield _section(
        "Tau within each hyper-parameter",
        within_rows(first),
        WITHIN_NOTE,
        figure="within",
        look="sortable heat",
    )
    yield _section("Models, one by one", [], SCATTER_NOTE, figure="scatter")
    yield _environments(pool, first)
    yield from _counts(pool)
    seconds = [(name, value) for name, value in pool.summary.items() if name.startswith("seconds_")]
    yield from values("Times", [(name.removeprefix("seconds_"), f"{value:.6g} s") for name, value in seconds])
    settings = {name: value for name, value in pool.settings.items() if name != "settings"}
    yield from values("Settings", flatten(settings))


def ranking_rows(pool: PoolFolder, ranking: Ranking) -> list[list[str]]:
    """Returns the cells of the ranking, its head first.

    Args:
        pool: The pool.
        ranking: The ranking.
    """
    names = criteria(pool)
    signs = ("wrong signs, mean", "90 %", "worst")
    head = ["measure", "kind", *(CRITERIA[name][0] for name in names), *signs, "models", "settings"]
    return [head, *(_ranking_row(row, names) for row in ranking.rows.to_dict("records"))]


def within_rows(ranking: Ranking) -> list[list[str]]:
    """Returns the cells of the taus within each hyper-parameter, the head first.

    Args:
        ranking: The ranking.
    """
    taus = ranking.taus
    cells = ([name, *map(number, row)] for name, row in zip(taus.index, taus.to_numpy(), strict=True))
    return [["measure", *taus.columns], *cells]


def _section(heading: str, rows: list[list[str]], note: str, **options: str) -> Section:
    return Section(heading=heading, rows=rows, note=" ".join(note.split()), **options)


def _ranking_row(row: dict, names: list[str]) -> list[str]:
    cells = [f"{number(row[n])} {interval(row[f'{n}_all_low'], row[f'{n}_all_high'])}" for n in names]
    counts = (f"{row['models']:g}", str(row["settings"]))
    return [row["measure"], row["kind"], *cells, *(number(row[name]) for name in SIGN_ERRORS), *counts]


def _other_targets(rankings: Sequence[Ranking]) -> list[list[str]]:
    found = [["target", "measures", "that rank it", "largest psi by size", "of"]]
    for ranking in rankings[1:]:
        rows, best = ranking.rows, ranking.rows.iloc[0]
        psi = f"{number(best['psi'])} {interval(best['psi_all_low'], best['psi_all_high'])}"
        found.append(
            [ranking.target.replace("_", " "), str(len(rows)), str(int(rows["clear"].sum())), psi, best["measure"]]
        )
    return found


def _environments(pool: PoolFolder, ranking: Ranking) -> Section:
    best = ranking.measures[0]
    errors = errors_of(pool, best, ranking.turned[best])
    if errors.empty:
        return _section("Worst environments", [], NO_ENVIRONMENT)
    shown = (
        f"Shown first: the measure with the largest psi by size ({best}), in the worst of {len(errors)} environments."
    )
    cells = [list(HEAD), *map(list, worst_cells(errors))]
    return _section("Worst environments", cells, f"{ENVIRONMENTS_NOTE} {shown}", figure="environments", look="sortable")


def _counts(pool: PoolFolder) -> Iterator[Section]:
    statuses = pool.summary.get("statuses") or dict(pool.models.get("status", pd.Series(dtype=str)).value_counts())
    failures, left_out = pool.summary.get("failures") or {}, pool.summary.get("left_out") or {}
    counts = [(f"models: {status}", count) for status, count in statuses.items()]
    counts += [("models in the ranking", len(pool.ranked)), ("settings of these", pool.ranked["setting"].nunique())]
    counts += [("settings that failed", len(failures)), ("measures left out", len(left_out))]
    note = f"Models whose status is other than {' or '.join(RANKED_STATUSES)} are not in the ranking."
    yield _section("Counts", [["", "value"], *([name, quantity(count)] for name, count in counts)], note)
    for heading, first, reasons in (
        ("Settings that failed", "setting", failures),
        ("Measures left out", "measure", left_out),
    ):
        if reasons:
            yield _section(heading, [[first, "reason"], *([name, str(why)] for name, why in reasons.items())], "")
