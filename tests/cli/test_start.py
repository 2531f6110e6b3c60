"""What every command does first."""

import os
from types import SimpleNamespace

import pytest

from keras_sharpness import backend, distribution
from keras_sharpness.cli import start
from keras_sharpness.errors import InputError
from tests.cli.in_process import chosen


def test_the_folder_is_one_or_a_new_name(tmp_path):
    with chosen():
        assert start.output_dir() is None
    for folder in (tmp_path, tmp_path / "new"):
        with chosen(f"--output_dir={folder}"):
            assert start.output_dir() == folder
    with chosen(f"--output_dir={__file__}"), pytest.raises(InputError, match="must be a folder, or a new name"):
        start.output_dir()


@pytest.fixture
def started(monkeypatch):
    """Starts Keras with flags; returns the calls that would start devices."""
    calls = []

    def note(name, result):
        return lambda *args: calls.append((name, *args)) or result

    monkeypatch.setattr(backend, "use_one_thread_per_operation", note("one thread", None))
    monkeypatch.setattr(distribution, "start", note("start", "devices"))
    for way in ("distribute", "split_examples"):
        monkeypatch.setattr(distribution, way, note(way, SimpleNamespace(is_chief=True)))

    def run(*arguments, in_threads=False):
        calls.clear()
        with chosen("measure", *arguments):
            start.start_keras(in_threads)
        return list(calls)

    return run


def test_devices_are_those_of_the_flags(started):
    assert started() == [("start", "none", None, "local"), ("distribute", "devices")]
    mirrored = ["--strategy=mirrored", "--num_devices=3", "--split=examples"]
    assert started(*mirrored) == [("start", "mirrored", 3, "local"), ("split_examples", "devices")]
    assert started(in_threads=True)[0] == ("one thread",)


def test_the_flag_decides_over_the_environment(started, monkeypatch):
    name = os.environ["KERAS_BACKEND"]
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    with pytest.raises(InputError, match="the Keras backend must be one of tensorflow, jax, torch. .*theano"):
        started()
    started(f"--backend={name}")
    assert os.environ["KERAS_BACKEND"] == name


def test_a_backend_that_is_not_installed(started, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="the Keras backend must be installed"):
        started()
