import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_runs(code):
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["r"].value > 0


def test_links_lead_somewhere():
    for target in re.findall(r'(?:\]\(|src=")([^)"#]+)', README):
        assert target.startswith("http") or (Path(__file__).parents[2] / target).exists(), target
