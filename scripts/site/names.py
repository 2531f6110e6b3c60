"""Links the names that pages mention, such as `ks.SAM`, to the reference."""

import re
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
DESCRIBED = re.compile(r"^::: (keras_sharpness\.\S+)$", re.MULTILINE)
# Blocks of code and headings stay as they are, and so do names that are links already.
CODE = re.compile(r"(^```.*?^```$|^#.*?$)", re.DOTALL | re.MULTILINE)
NAME = re.compile(r"(?<![`\[])`ks\.([\w.]+)`(?![`\]])")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Returns a page with links; reports of runs and the reference itself are left alone."""
    if page.file.src_uri.startswith(("runs/", "reference/")):
        return markdown
    described = {name for part in REFERENCE.glob("*.md") for name in DESCRIBED.findall(part.read_text())}

    def linked(match: re.Match[str]) -> str:
        name = f"keras_sharpness.{match[1]}"
        return f"[{match[0]}][{name}]" if name in described else match[0]

    parts = CODE.split(markdown)
    return "".join(part if k % 2 else NAME.sub(linked, part) for k, part in enumerate(parts))
