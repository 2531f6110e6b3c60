"""Turns equations into MathML when the site is built: readers need no script, and the font lies in the site."""

import html
import io
import re
from pathlib import Path
from typing import Any

import ziamath
from fontTools.ttLib import TTFont
from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

EQUATION = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
FONT = Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf"


def on_files(files: Files, config: Any) -> None:
    """Adds the font, which site.css names."""
    compressed, font = io.BytesIO(), TTFont(FONT)
    font.flavor = "woff"
    font.save(compressed)
    files.append(File.generated(config, "equations.woff", content=compressed.getvalue()))


def on_page_content(content: str, **_: Any) -> str:
    """Returns a page with MathML for the equations that arithmatex has marked."""
    return EQUATION.sub(_mathml, content)


def _mathml(match: re.Match[str]) -> str:
    display = "inline" if match[2] == "(" else "block"
    equation = convert(html.unescape(match[3]).strip(), display=display)
    return equation if display == "inline" else f'<div class="equation">{equation}</div>'
