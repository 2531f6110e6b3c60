import importlib.util
import re
from pathlib import Path

import pytest

import keras_sharpness as ks

PAGES = sorted((Path(__file__).parents[2] / "docs").glob("*.md"))
EXAMPLES = [
    pytest.param(page.name, code, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL))
]


@pytest.mark.parametrize(("page", "code"), EXAMPLES)
def test_an_example_runs(page, code, capsys, monkeypatch, tmp_path):
    if "import torch" in code and importlib.util.find_spec("torch") is None:
        pytest.skip("This example needs PyTorch.")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page, "exec"), {"__name__": page})
    assert capsys.readouterr().out.strip(), "an example prints something"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_an_example_and_links_that_lead_somewhere(page):
    text = page.read_text()
    assert "```python" in text or page.stem in {"reliability", "report", "findings"}
    for target in re.findall(r'(?:\]\(|src=")([^)"#]+)', text):
        assert target.startswith("http") or (page.parent / target).exists(), target


def test_the_index_leads_to_every_page():
    index = (PAGES[0].parent / "index.md").read_text()
    assert {page.name for page in PAGES} - set(re.findall(r"\]\(([^)#]+)", index)) == {"index.md"}


def test_every_public_name_is_described():
    text = "".join(page.read_text() for page in PAGES)
    elsewhere = {"__version__", "load_member", "models", "data", "statistics"}
    results = {name for name in ks.__all__ if name.endswith(("Sharpness", "Grid"))}
    assert not [name for name in set(ks.__all__) - elsewhere - results if name not in text]
