"""Parsing, and the one line of an error."""

import pytest

from keras_sharpness.cli import app
from keras_sharpness.errors import InputError
from tests.cli.in_process import chosen


@pytest.fixture
def no_flags():
    """Parses a command line without flags."""
    with chosen("study"):
        yield


def test_help_is_printed_and_ends_well(capsys):
    with pytest.raises(SystemExit) as caught, chosen("study", "--help"):
        pass
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("keras_sharpness: ")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InputError("`m` must be\n 1"), "error: `m` must be 1\n"),
        (OSError("disk  full"), "error: disk full\n"),
        (MemoryError("of 3 TB"), "error: of 3 TB\n"),
    ],
)
def test_an_error_is_one_line_and_status_2(no_flags, monkeypatch, capsys, error, line):
    def fail():
        raise error

    monkeypatch.setattr(app.quiet, "configure_logging", lambda *_: None)
    monkeypatch.setattr(app.commands, "choose", lambda words: (fail, []))
    with pytest.raises(SystemExit) as caught:
        app._main(["main.py"])
    assert caught.value.code == 2
    assert capsys.readouterr() == ("", line)


def test_an_interrupt_has_the_status_of_the_signal(no_flags, monkeypatch, caplog):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(app.quiet, "configure_logging", lambda *_: None)
    monkeypatch.setattr(app.commands, "choose", lambda words: (interrupt, []))
    with pytest.raises(SystemExit) as caught:
        app._main(["main.py"])
    assert caught.value.code == 130
    assert caplog.messages == ["interrupted; the same command continues from here"]


def test_an_error_of_the_program_itself_keeps_its_traceback(no_flags, monkeypatch):
    monkeypatch.setattr(app.quiet, "configure_logging", lambda *_: None)
    monkeypatch.setattr(app.commands, "choose", lambda words: (lambda: 1 / 0, []))
    with pytest.raises(ZeroDivisionError):
        app._main(["main.py"])
