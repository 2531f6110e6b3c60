import importlib.util
import inspect
import re
from pathlib import Path

import pytest

import keras_sharpness as ks

FOLDER = Path(__file__).parents[2] / "docs"
PAGES = sorted(FOLDER.glob("*.md"))
REFERENCE = sorted((FOLDER / "reference").glob("*.md"))
# Pages that only say what there is.
WITHOUT_EXAMPLES = {"reliability", "report", "findings", "figures", "glossary", "sam", "speed"}


def examples(page):
    """The blocks of a page; those of the tutorial go on from one to the next."""
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    return ["".join(blocks)] if page.stem == "tutorial" else blocks


EXAMPLES = [
    pytest.param(page.name, code, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, code in enumerate(examples(page))
]


@pytest.mark.parametrize(("page", "code"), EXAMPLES)
def test_an_example_runs(page, code, capsys, monkeypatch, tmp_path):
    if "import torch" in code and importlib.util.find_spec("torch") is None:
        pytest.skip("This example needs PyTorch.")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page, "exec"), {"__name__": page})
    assert capsys.readouterr().out.strip() or list(tmp_path.iterdir()), "an example prints or draws something"


@pytest.mark.parametrize("page", [*PAGES, *REFERENCE], ids=lambda page: page.stem)
def test_a_page_has_an_example_and_links_that_lead_somewhere(page):
    text = page.read_text()
    assert "```python" in text or page.stem in WITHOUT_EXAMPLES or page in REFERENCE
    for target in re.findall(r'(?:\]\(|src=")([^)"#]+)', text):
        assert target.startswith("http") or (page.parent / target).exists(), target


def test_the_index_leads_to_every_page():
    index = (FOLDER / "index.md").read_text()
    assert {page.name for page in PAGES} - set(re.findall(r"\]\(([^)#]+)", index)) == {"index.md"}


def test_every_public_name_is_described():
    text = "".join(page.read_text() for page in PAGES)
    elsewhere = {"__version__", "load_member", "models", "data", "statistics"}
    results = {name for name in ks.__all__ if name.endswith(("Sharpness", "Grid"))}
    assert not [name for name in set(ks.__all__) - elsewhere - results if name not in text]


def public_names():
    """All names that users reach from `ks`, those of its modules with the module before them."""
    for name in ks.__all__:
        if not inspect.ismodule(module := getattr(ks, name)):
            yield name
            continue
        own = [key for key, value in vars(module).items() if is_public(key, value, module.__name__)]
        yield from (f"{name}.{key}" for key in {*own, *getattr(module, "__all__", ())})


def is_public(name, value, module):
    own = str(getattr(value, "__module__", "")).startswith(module)
    return own and not name.startswith("_") and (inspect.isclass(value) or inspect.isfunction(value))


def test_every_public_name_is_in_the_reference():
    text = "".join(page.read_text() for page in REFERENCE)
    described = re.findall(r"^::: keras_sharpness\.(\S+)$", text, flags=re.MULTILINE)
    assert len(described) == len(set(described))
    assert set(public_names()) <= {*described}
