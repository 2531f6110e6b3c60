import os
from pathlib import Path

import pytest

from keras_sharpness.cli import compilation_cache


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    monkeypatch.setattr(os, "environ", {"HOME": "/home/someone"})


def test_the_folder_lies_in_the_users_cache():
    os.environ["XDG_CACHE_HOME"] = "/cache"
    compilation_cache.use_compilation_cache()
    assert Path(os.environ["JAX_COMPILATION_CACHE_DIR"]).parent == Path("/cache/keras_sharpness")


def test_settings_of_the_user_stay():
    os.environ["JAX_COMPILATION_CACHE_DIR"] = "/mine"
    compilation_cache.use_compilation_cache()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "/mine"


def test_another_processor_has_another_folder(monkeypatch):
    folders = set()
    for processor in ("avx2", "avx512"):
        monkeypatch.setattr(compilation_cache, "_processor", lambda name=processor: name)
        folders.add(compilation_cache._folder())
    assert len(folders) == 2
