"""Two processes without a backend, one of which ends in different ways."""

import subprocess
import sys

import pytest

from keras_sharpness.cli.companions import LINE

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
import numpy as np
from keras_sharpness.cli import companions

companions.GRACE, companions.NEWS = 1.0, 0.1
place, number, how = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

class Two:
    is_chief = number == 0
    def gather(self, value):
        return [value, value]
    def of_chief(self, value):
        if number == 0:
            place.with_suffix(".new").write_bytes(value.tobytes())
            place.with_suffix(".new").rename(place)
        while not place.exists():
            time.sleep(0.01)
        return np.frombuffer(place.read_bytes(), value.dtype)

companions.watch(Two(), "127.0.0.1")
try:
    with companions.told():
        if how == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "fails":
            raise OSError("the disk is full")
        if how == "waits":
            time.sleep(30)
        time.sleep(0.5)
except OSError as error:
    print(error, file=sys.stderr)
    companions.leave(3)
"""


@pytest.mark.parametrize("ends", [0, 1], ids=["first", "second"])
@pytest.mark.parametrize(
    ("how", "other", "statuses", "errors"),
    [
        ("dies", "waits", (-9, 2), ("", LINE.decode())),
        ("fails", "waits", (3, 2), ("the disk is full\n", LINE.decode())),
        ("is done", "works", (0, 0), ("", "")),
        ("fails", "fails", (3, 3), ("the disk is full\n",) * 2),
    ],
)
def test_a_process_ends_with_the_other_unless_that_one_is_done(tmp_path, ends, how, other, statuses, errors):
    hows = (how, other) if ends == 0 else (other, how)
    run = [sys.executable, "-c", PROGRAM, tmp_path / "port"]
    both = [subprocess.Popen([*run, str(k), each], stderr=subprocess.PIPE, text=True) for k, each in enumerate(hows)]
    try:
        found = [process.communicate(timeout=25)[1] for process in both]
    finally:
        for process in both:
            process.kill()
    order = [0, 1] if ends == 0 else [1, 0]
    assert tuple(both[k].returncode for k in order) == statuses
    assert tuple(found[k] for k in order) == errors
