"""A run's report as one self-contained page: interactive figures and the tables of the text report."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import jinja2

from keras_sharpness.reporting.drawing import BAR_COLOUR, POINT_COLOUR, TEXT_COLOUR
from keras_sharpness.reporting.page_figures import page_figures
from keras_sharpness.reporting.run_folder import RunFolder
from keras_sharpness.reporting.sections import Section

PAGE = Path(__file__).parent / "page"
COLOURS = f":root {{ --point: {POINT_COLOUR}; --bar: {BAR_COLOUR}; --text: {TEXT_COLOUR}; }}\n"


def page(run: RunFolder, sentences: Sequence[str], sections: Iterable[Section]) -> str:
    """Makes a page that needs no other file and no network.

    Its security policy allows only the page's own style and script, so that a text from a run is shown but never
    executed.

    Args:
        run: The run.
        sentences: What it found, the verdict first.
        sections: Its tables. A table that names a figure is shown with it.

    Returns:
        HTML.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # One number that JSON does not have would keep the browser from parsing the data.
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    figures = page_figures(run)
    style, script = COLOURS + _read("style.css"), _read("script.js")
    return environment.get_template("template.html").render(
        run=run,
        sentences=sentences,
        sections=sections,
        figures=figures,
        data={name: figure.data for name, figure in figures.items() if figure.data},
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _read(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
