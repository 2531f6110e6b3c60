"""A report as one self-contained page: interactive figures and the tables of the text report."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import jinja2

from keras_sharpness.reporting.drawing import BAR_COLOUR, POINT_COLOUR, TEXT_COLOUR
from keras_sharpness.reporting.page_data import PageFigure
from keras_sharpness.reporting.section import Section

PAGE = Path(__file__).parent / "page"
COLOURS = f":root {{ --point: {POINT_COLOUR}; --bar: {BAR_COLOUR}; --text: {TEXT_COLOUR}; }}\n"
# The parts of the script for a run, for a pool over hyper-parameters, and for an atlas.
OF_RUN = ("axes", "histogram", "models", "taus", "start")
OF_POOL = ("axes", "histogram", "models", "tables", "ranking", "start")
OF_ATLAS = ("axes", "tables", "ranking", "start")
ONE_BY_ONE = "Models, one by one"


def page(
    heading: str,
    sentences: Sequence[str],
    sections: Iterable[Section],
    figures: Mapping[str, PageFigure],
    *,
    command: str,
    scripts: Sequence[str],
    picture: str,
) -> str:
    """Makes a page that needs no other file and no network.

    Its security policy allows only the page's own style and script, so that a text from a run is shown but never
    executed.

    Args:
        heading: Its heading.
        sentences: What was found, the verdict first.
        sections: The tables. A table that names a figure is shown with it.
        figures: The figures by name.
        command: The command that repeats the run; "" if it is not known.
        scripts: Parts of the script.
        picture: File of the first figure, for browsers without JavaScript.

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
    style, script = COLOURS + _read("style.css"), "\n".join(_read(f"{part}.js") for part in scripts)
    return environment.get_template("template.html").render(
        heading=heading,
        sentences=sentences,
        sections=sections,
        figures=figures,
        command=command,
        picture=picture,
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
