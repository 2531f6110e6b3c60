"""The report on a pool over hyper-parameters: which measures rank generalization, and where they fail."""

from collections.abc import Mapping
from pathlib import Path

from keras_sharpness.reporting import html, markdown
from keras_sharpness.reporting.coloured_figure import coloured
from keras_sharpness.reporting.drawing import png
from keras_sharpness.reporting.environment_figure import environments
from keras_sharpness.reporting.environments_of_measure import errors_of
from keras_sharpness.reporting.output import write_files
from keras_sharpness.reporting.pool_figures import pool_figures
from keras_sharpness.reporting.pool_findings import findings, target_name
from keras_sharpness.reporting.pool_folder import PoolFolder, read_pool
from keras_sharpness.reporting.pool_sections import pool_sections
from keras_sharpness.reporting.ranked_measures import Ranking, criteria, rank
from keras_sharpness.reporting.ranking_figure import ranking
from keras_sharpness.reporting.section import Section, as_markdown
from keras_sharpness.reporting.within_figure import within

# More measures make the figure of the environments unreadable; the page shows any.
MOST_DISTRIBUTIONS = 20
PICTURES = {
    "ranking": "Criteria of each measure with their intervals",
    "within": "Tau of each measure within each hyper-parameter",
    "scatter": "The target against the best measure, coloured by each hyper-parameter",
    "environments": "Distribution of sign errors over environments",
}


def write_pool_report(folder: str | Path) -> Path:
    """Writes `report.md`, `report.html` and their pictures into the folder of a pool whose measures were ranked.

    Nothing is written before all are complete in memory, and each file appears whole.

    Args:
        folder: The run's folder, with `models.csv`, `ranking.csv`, `environments.csv`, `summary.json` and, if the pool
            was trained here, `pool.json`.

    Returns:
        Path of `report.md`.

    Raises:
        InputError: If a file is missing or damaged.
    """
    folder = Path(folder)
    pool = read_pool(folder)
    rankings = [rank(pool, target) for target in pool.targets]
    sentences, tables = findings(pool, rankings[0]), list(pool_sections(pool, rankings))
    pictures = _pictures(pool, rankings[0])
    page = html.page(
        pool.heading,
        sentences,
        tables,
        pool_figures(pool, rankings),
        command=pool.command,
        scripts=html.OF_POOL,
        picture="ranking.png",
    )
    files: dict[str, str | bytes] = {f"{name}.png": picture for name, picture in pictures.items()}
    write_files(folder, files | {"report.html": page, "report.md": _text(pool, sentences, tables, pictures)})
    return folder / "report.md"


def _pictures(pool: PoolFolder, found: Ranking) -> dict[str, bytes]:
    name, best = target_name(found.target), found.measures[0]
    models = pool.finite(found.target, best)
    figures = {
        "ranking": ranking(found.rows, criteria(pool), f"Measures and {name}"),
        "within": within(found.taus, f"Tau with {name}\nwithin each hyper-parameter"),
        "scatter": coloured(models, best, found.target, pool.hyper_parameters, f"{best} and {name}"),
    }
    errors = {each: errors_of(pool, each, found.turned[each]) for each in found.measures[:MOST_DISTRIBUTIONS]}
    if known := {each: table["error"].to_numpy(float) for each, table in errors.items() if len(table)}:
        figures["environments"] = environments(known, "Sign errors over environments")
    return {name: png(figure) for name, figure in figures.items()}


def _text(pool: PoolFolder, sentences: list[str], tables: list[Section], pictures: Mapping[str, bytes]) -> str:
    found, *others = sentences
    parts = [as_markdown(table, *_picture(table.figure, pictures)) for table in tables]
    repeat = [markdown.section("Repeat this run", markdown.code(pool.command, "sh"))] if pool.command else []
    return markdown.page(pool.heading, f"**{found}**", *others, *parts, *repeat)


def _picture(name: str, pictures: Mapping[str, bytes]) -> list[str]:
    return [f"![{PICTURES[name]}]({name}.png)"] if name in pictures else []
