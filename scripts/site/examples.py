"""Runs the examples that save figures, and shows below each what it prints and draws.

The figures are made whenever the site is built, by the code that the reader sees. The blocks of a page share their
names, so that a page can tell a story.
"""

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

BLOCK = re.compile(r"```python\n(.*?)```\n", re.DOTALL)
SAVED = re.compile(r"""\.savefig\(["']([^"']+)["']""")
SHOWN: dict[str, list[str]] = {}


def on_files(files: Files, config: Any) -> None:
    """Runs the examples, and adds their figures."""
    SHOWN.clear()
    for page in [file for file in files.documentation_pages() if SAVED.search(file.content_string)]:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            names: dict[str, Any] = {"__name__": page.src_uri}
            SHOWN[page.src_uri] = [_shown(code, names, page.name) for code in BLOCK.findall(page.content_string)]
            for figure in sorted(Path(folder).glob("*.[ps][nv]g")):
                content = figure.read_bytes()
                files.append(File.generated(config, f"figures/{page.name}/{figure.name}", content=content))


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Returns a page with output and figures below its examples."""
    shown = iter(SHOWN.get(page.file.src_uri, ()))
    return BLOCK.sub(lambda match: match[0] + next(shown, ""), markdown)


def _shown(code: str, names: dict[str, Any], page: str) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, page, "exec"), names)
    text = f"\n```text\n{output.getvalue().rstrip()}\n```\n" if output.getvalue().strip() else ""
    figures = (f"\n![Figure drawn by the code above](figures/{page}/{name})\n" for name in SAVED.findall(code))
    return text + "".join(figures)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
