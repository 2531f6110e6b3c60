"""Processes that wait for others that never come."""

import os
import subprocess
import sys
import time

from keras_sharpness.cli.patience import others_come

WAITING = "from keras_sharpness.cli.patience import others_come\nimport time\nwith others_come(2, 0.2): time.sleep(60)"


def test_a_process_gives_up_in_one_line():
    process = subprocess.run([sys.executable, "-c", WAITING], capture_output=True, text=True, timeout=30)
    assert process.returncode == 2
    assert (
        process.stderr == "error: all processes must be started. Received: no answer of the others within 0 seconds\n"
    )


def test_a_process_whose_others_come_goes_on():
    reading, writing = os.pipe()
    with others_come(writing, 0.05):
        pass
    time.sleep(0.1)
    os.close(writing)
    assert os.read(reading, 1) == b""
    os.close(reading)
