"""Wheel and source archive: what they hold, and the wheel in fresh environments, outside a checkout.

Packages come from pip's registry. Where it does not answer, the tests are skipped.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from keras_sharpness.data import idx

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "keras_sharpness"
EXAMPLE = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)[1]
HEAVY = ("tensorflow", "tensorflow_datasets", "tensorflow_gnn", "tf_keras")
FOUND = f"""
import importlib.util, sys
print(*(name for name in {HEAVY} if name in sys.modules or importlib.util.find_spec(name)))
"""
SMALL = ("--num_models=5", "--num_batches=3", "--m=16", "--min_epochs=1", "--max_epochs=1")
# What a checkout, or a study before, has set.
ELSEWHERE = ("PYTHONPATH", "KERAS_BACKEND", "TF_USE_LEGACY_KERAS")


def run(*command, status=0, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=1800, **options)
    assert done.returncode == status, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    folder = tmp_path_factory.mktemp("probe")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), "tqdm"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode:
        pytest.skip(f"pip's registry does not answer: {done.stderr.strip().splitlines()[-1]}")


@pytest.fixture(scope="module")
def built(registry, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    # A copy: building writes beside its sources, where other workers of the tests may be building too.
    kept = shutil.ignore_patterns(".git", ".venv", "runs", "site", "build", "dist", "*.egg-info", "__pycache__")
    source = shutil.copytree(ROOT, folder / "source", ignore=kept)
    run(sys.executable, "-m", "build", "--outdir", folder, source)
    (wheel,), (archive,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, archive


def test_both_hold_every_file_of_the_package(built):
    wheel, archive = built
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, archive)
    files = {str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert files >= {f"keras_sharpness/{name}" for name in ("py.typed", "data/embedded/cora.npz")}
    with zipfile.ZipFile(wheel) as opened:
        assert {name for name in opened.namelist() if ".dist-info/" not in name} == files
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert names >= files | {"LICENSE", "CITATION.cff", "tests/conftest.py", "docs/index.md"}


@pytest.fixture(params=["jax", "torch", "all"])
def installed(request, built):
    """A fresh environment, with the folder that programs run in; it takes gigabytes, so it does not stay."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "env", with_pip=True)
        wheel = f"{built[0]}[{'all' if request.param == 'all' else f'{request.param},cli'}]"
        (folder / "work").mkdir()
        here = Installed(folder)
        # What pip has fetched before lies in the home folder of whoever runs the tests.
        here.run("python", "-m", "pip", "install", "--quiet", "--no-compile", wheel, HOME=os.environ.get("HOME", ""))
        yield request.param, here


class Installed:
    """Programs of an environment."""

    def __init__(self, folder):
        self.work = folder / "work"
        self._bin = folder / "env/bin"
        kept = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
        homes = {
            "HOME": str(folder),
            "JAX_COMPILATION_CACHE_DIR": str(folder / "jax"),
            "TFDS_DATA_DIR": str(folder / "tfds"),
        }
        self._environment = kept | homes

    def run(self, program, *arguments, status=0, **environment):
        environment = self._environment | environment
        return run(self._bin / program, *arguments, status=status, cwd=self.work, env=environment)

    def study(self, *arguments):
        """Returns the backend of a small study, which writes into `runs/` of the folder it runs in."""
        before = {*self.work.glob("runs/**/config.json")}
        self.run("keras_sharpness", *arguments, *SMALL)
        (config,) = {*self.work.glob("runs/**/config.json")} - before
        models = pd.read_csv(config.parent / "models.csv")
        assert len(models) == 5 and (models["sharpness"] > 0).all()
        assert "tau" in (config.parent / "report.html").read_text()
        return json.loads(config.read_text())["backend"]


def test_an_installation_measures_and_studies(installed):
    extra, here = installed
    backend = "tensorflow" if extra == "all" else extra
    heavy = here.run("python", "-c", EXAMPLE + FOUND, KERAS_BACKEND=backend).stdout.splitlines()[-1]
    assert heavy.split() == ([*HEAVY] if extra == "all" else [])
    # Without a choice, the first backend that is installed.
    assert here.study() == backend
    if extra == "all":
        assert here.run("python", "-c", "import keras_sharpness as ks; ks.data.builder('cora')").stdout == ""
        return
    assert here.study("--model=gat") == backend
    if idx.DEBIAN.is_dir():
        code = "import keras_sharpness as ks; print(len(ks.data.load('fashion_mnist').y))"
        assert here.run("python", "-c", code).stdout == "70000\n"
    refused = here.run("keras_sharpness", "--backend=tensorflow", status=2).stderr
    assert refused.count("\n") == 1 and 'pip install "keras_sharpness[tensorflow]"' in refused
    raised = here.run("python", "-c", "from keras_sharpness import hessian", status=1).stderr.splitlines()[-1]
    assert 'pip install "keras_sharpness[tensorflow]"' in raised and f"must name a backend that is: {extra}" in raised
    raised = here.run("python", "-c", "import keras_sharpness as ks; ks.data.builder('cora')", status=1).stderr
    assert raised.splitlines()[-1].endswith('pip install "keras_sharpness[datasets]".')
