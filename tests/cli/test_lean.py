import gc
import importlib
import sys

import pytest

from keras_sharpness.cli import lean


def test_hidden_packages_cannot_be_imported_in_the_block_and_can_afterwards(monkeypatch):
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    with lean.without("wave"), pytest.raises(ImportError):
        importlib.import_module("wave")
    assert importlib.import_module("wave").__name__ == "wave"


def test_what_is_loaded_stays():
    with lean.without("json"):
        importlib.import_module("json")
        assert not gc.isenabled()
    assert "json" in sys.modules
    assert gc.isenabled()


def test_an_error_in_the_block_hides_nothing_for_ever(monkeypatch):
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    with pytest.raises(RuntimeError), lean.without("wave"):
        raise RuntimeError
    importlib.import_module("wave")
