"""Standard output and error that are closed, full, or read by nobody any more."""

import os
import subprocess
import sys

import pytest

HELP = [sys.executable, "-m", "keras_sharpness", "--help"]
BAD = [sys.executable, "-m", "keras_sharpness", "--rho=nan"]


def run(command, redirection):
    shell = f'"$@" {redirection}'
    return subprocess.run(["bash", "-c", shell, "bash", *command], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("command", "redirection", "status", "line"),
    [
        (HELP, ">&-", 0, ""),
        (HELP, ">/dev/full", 2, "error: [Errno 28] No space left on device\n"),
        (BAD, "2>/dev/full", 2, ""),
        (BAD, "<&- >&- 2>&-", 2, ""),
    ],
)
def test_streams_that_are_closed_or_full(command, redirection, status, line):
    process = run(command, redirection)
    assert (process.returncode, process.stderr, process.stdout) == (status, line, "")


def test_a_reader_that_has_left():
    ends = os.pipe()
    os.close(ends[0])
    process = subprocess.run(HELP, stdout=ends[1], stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(ends[1])
    assert (process.returncode, process.stderr) == (0, "")
