"""What is not installed is named, in one line, with the extra that brings it."""

import configparser
import re
import sys
from pathlib import Path

import pytest

import keras_sharpness as ks
from keras_sharpness import __main__, errors
from keras_sharpness.errors import EXTRAS, InputError

ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = {"absl": "absl-py", "sklearn": "scikit-learn"}


@pytest.fixture
def setup():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def requirements(text):
    names = (re.match(r"[\w-]+", line) for line in text.splitlines() if not line.startswith("#"))
    return {match[0].replace("-", "_") for match in names if match}


def test_extras_are_those_of_setup_cfg(setup):
    extras = setup["options.extras_require"]
    for package, extra in EXTRAS.items():
        distribution = DISTRIBUTIONS.get(package, package).replace("-", "_")
        assert distribution in requirements(extras[extra])
        assert distribution not in requirements(setup["options"]["install_requires"])
    assert set(re.findall(r"\w+", extras["all"].partition("[")[2])) == set(EXTRAS.values())
    assert "keras_sharpness[all]" in extras["test"]


def test_the_command_line_without_absl(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "absl", None)
    monkeypatch.delitem(sys.modules, "keras_sharpness.cli.app", raising=False)
    with pytest.raises(SystemExit) as caught:
        __main__.run()
    assert caught.value.code == 2
    assert capsys.readouterr() == ("", 'error: absl must be installed: pip install "keras_sharpness[cli]".\n')


def test_public_names_without_their_backend(monkeypatch):
    def fail(name):
        raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    monkeypatch.setattr(ks.importlib, "import_module", fail)
    monkeypatch.setattr(errors, "is_installed", lambda name: name == "torch")
    missing = "jax"
    line = (
        'jax must be installed: pip install "keras_sharpness[jax]", or KERAS_BACKEND must name a backend that is: torch'
    )
    with pytest.raises(InputError) as caught:
        ks.worst_case_sharpness  # noqa: B018
    assert str(caught.value) == f"{line}."
    # Not ours to explain.
    missing = "numpy"
    with pytest.raises(ModuleNotFoundError, match="numpy"):
        ks.hessian  # noqa: B018


@pytest.mark.parametrize(
    ("call", "extra"),
    [
        (lambda: ks.data.builder("cora"), "datasets"),
        (lambda: ks.data.cora_graph_tensor(), "gnn"),
        (lambda: ks.interop.save_torch(None, "state.pt"), "torch"),
        (lambda: ks.data.load_table("airfoil"), "atlas"),
    ],
)
def test_functions_without_their_package(monkeypatch, call, extra):
    monkeypatch.setattr(errors, "is_installed", lambda name: False)
    with pytest.raises(InputError, match=rf'must be installed: pip install "keras_sharpness\[{extra}\]"\.$'):
        call()
