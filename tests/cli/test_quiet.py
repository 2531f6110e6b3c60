"""What reaches the terminal."""

import logging
import os

import pytest

from keras_sharpness.cli import quiet
from keras_sharpness.errors import InputError

LOG = logging.getLogger("keras_sharpness")


@pytest.fixture
def package_log(monkeypatch):
    """Puts the package's logger back as it was."""
    before = list(LOG.handlers), LOG.level, LOG.propagate
    yield LOG
    LOG.handlers, LOG.propagate = before[0], before[2]
    LOG.setLevel(before[1])


def test_messages_are_plain_lines_on_standard_error(package_log, capsys):
    quiet.configure_logging()
    package_log.getChild("cli").info("data: %s", "here")
    package_log.debug("detail")
    assert capsys.readouterr() == ("", "data: here\n")


@pytest.mark.parametrize(
    ("options", "said", "bars"),
    [
        ({}, "progress trouble", True),
        ({"verbose": True}, "detail progress trouble", True),
        ({"quiet": True}, "trouble", False),
    ],
)
def test_how_much_is_said(package_log, capsys, monkeypatch, options, said, bars):
    monkeypatch.setenv("TQDM_DISABLE", "")
    quiet.configure_logging(**options)
    package_log.debug("detail")
    package_log.info("progress")
    package_log.warning("trouble")
    assert capsys.readouterr().err.split() == said.split()
    assert bool(os.environ["TQDM_DISABLE"]) is not bars


def test_a_process_that_computes_for_another_only_warns(package_log, capsys):
    quiet.configure_logging()
    quiet.only_warnings()
    package_log.info("progress")
    package_log.warning("trouble")
    assert capsys.readouterr().err == "trouble\n"


def test_what_native_code_prints_is_hidden(capfd):
    with quiet.muffled():
        os.write(2, b"noise\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_it_is_shown_where_the_block_fails_unless_the_user_is_told_why(capfd):
    with pytest.raises(ZeroDivisionError), quiet.muffled():
        os.write(2, b"clue\n")
        raise ZeroDivisionError
    assert capfd.readouterr().err == "clue\n"
    with pytest.raises(InputError), quiet.muffled():
        os.write(2, b"clue\n")
        raise InputError("no such device")
    assert capfd.readouterr().err == ""
