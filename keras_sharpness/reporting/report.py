"""A run's report: what it found, the paper's result for comparison, and how to repeat it."""

from collections.abc import Iterable
from pathlib import Path

from keras_sharpness.reporting import html, markdown
from keras_sharpness.reporting.drawing import png
from keras_sharpness.reporting.findings import verdict
from keras_sharpness.reporting.output import write_files
from keras_sharpness.reporting.page_figures import page_figures
from keras_sharpness.reporting.run_folder import RunFolder, read_run
from keras_sharpness.reporting.scatter_figure import scatter
from keras_sharpness.reporting.section import Section, as_markdown
from keras_sharpness.reporting.sections import sections


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
    tables = list(sections(run))
    sentences = [verdict(run.kendall, run.published), *_left_out(run)]
    picture, text, page = _picture(run), _text(run, sentences, tables), _page(run, sentences, tables)
    write_files(folder, {"scatter.png": picture, "report.html": page, "report.md": text})
    return folder / "report.md"


def _left_out(run: RunFolder) -> list[str]:
    if not run.num_diverged:
        return []
    models, are = ("model", "is") if run.num_diverged == 1 else ("models", "are")
    return [f"{run.num_diverged} {models} with a non-finite loss or sharpness {are} left out of tau and of the figure."]


def _picture(run: RunFolder) -> bytes:
    names = {"title": run.title, "loss_name": run.loss_name, "sharpness_name": run.sharpness_name}
    return png(scatter(run.finite, run.kendall, rho=run.setting("rho"), **names))


def _page(run: RunFolder, sentences: list[str], tables: list[Section]) -> str:
    sections = [Section(heading=html.ONE_BY_ONE, rows=[], figure="scatter"), *tables]
    options = {"command": run.command, "picture": "scatter.png"}
    return html.page(run.heading, sentences, sections, page_figures(run), scripts=html.OF_RUN, **options)


def _text(run: RunFolder, sentences: list[str], tables: Iterable[Section]) -> str:
    found, *others = sentences
    parts = [
        f"**{found}**",
        *others,
        "![Test loss against sharpness, a point per model](scatter.png)",
        *map(as_markdown, tables),
        *([markdown.section("Repeat this run", markdown.code(run.command, "sh"))] if run.command else []),
    ]
    return markdown.page(run.heading, *parts)
