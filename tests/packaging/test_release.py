"""What a release says of itself, in several files."""

import re
from pathlib import Path

import keras_sharpness as ks

ROOT = Path(__file__).parents[2]


def test_the_version_is_the_same_everywhere():
    releases = re.findall(r"^## ([\d.]+) - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    citation = dict(re.findall(r"^([\w-]+): (.+)$", (ROOT / "CITATION.cff").read_text(), flags=re.MULTILINE))
    assert releases[0] == (ks.__version__, citation["date-released"])
    assert citation["version"] == ks.__version__
