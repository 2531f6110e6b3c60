"""Brings into the site what its pages link to outside `docs/`: reports and figures of `runs/`, BUILD.md and others.

Every such link is rewritten to where the file lies in the site, so that MkDocs checks it like any other.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r'(\]\(|src=")([^)"#\s]+)')
# What the README says is said by the first page of the site.
HOME = {"README.md": "docs/index.md"}


def on_files(files: Files, config: Any) -> None:
    """Adds the files, and those that they link to in turn."""
    waiting, known = [Path("docs", file.src_uri) for file in files if file.src_uri.endswith(".md")], set()
    while waiting:
        for target in _targets(waiting.pop()):
            if target not in known and _place(target) == target:
                known.add(target)
                files.append(File.generated(config, target, abs_src_path=str(ROOT / target)))
                waiting += [Path(target)] if target.endswith(".md") else []


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Returns a page whose links that leave `docs/`, or come from outside it, lead to the files of the site."""
    here = page.file.src_uri
    source = here if page.file.generated_by else f"docs/{here}"
    if here.startswith("runs/"):
        # Tables of numbers would drown the pages that explain them.
        page.meta["search"] = {"exclude": True}

    def rewritten(match: re.Match[str]) -> str:
        target = _target(source, match[2])
        return match[1] + (posixpath.relpath(_place(target), posixpath.dirname(here) or ".") if target else match[2])

    return LINK.sub(rewritten, markdown)


def _targets(page: Path) -> list[str]:
    links = (match[2] for match in LINK.finditer((ROOT / page).read_text()))
    return [target for link in links if (target := _target(str(page), link))]


def _target(source: str, link: str) -> str | None:
    """Returns the file of the repository that a link leads to, if it leads to one."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    return HOME.get(target, target) if (ROOT / target).is_file() else None


def _place(target: str) -> str:
    """Returns where a file of the repository lies in the site."""
    return target.removeprefix("docs/")
