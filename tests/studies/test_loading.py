"""What a study loads, which is what its first seconds go to."""

import subprocess
import sys

import pytest

SLOW = ("pandas", "matplotlib", "scipy.stats", "scipy.sparse.linalg", "tensorflow_datasets")


@pytest.mark.parametrize("module", ["keras_sharpness.cli.app", "keras_sharpness.studies.run"])
def test_modules_load_no_more_than_keras_does(module):
    before = "import keras, keras_sharpness.backend; " if "studies" in module else ""
    code = f"import sys; {before}before = {{*sys.modules}}; import {module}; print(*{{*sys.modules}} - before)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    loaded = done.stdout.splitlines()[-1].split()
    assert module in loaded
    assert not [name for name in SLOW if name in loaded]
