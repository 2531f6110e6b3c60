"""Writes a study's report in a process of its own, which loads what figures need while this one loads Keras."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

CODE = "from keras_sharpness.cli.reporter import serve; serve()"


class Reporter:
    """A process that waits for a run's folder. Use it in a `with` block, which ends the process."""

    def __init__(self) -> None:
        """Starts the process."""
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        self._process = subprocess.Popen([sys.executable, "-c", CODE], env=environment, text=True, **pipes)

    def __enter__(self) -> "Reporter":
        """Returns itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()

    def write(self, folder: Path) -> str:
        """Writes the report of a finished run, in this process if the other one fails.

        Args:
            folder: The run's folder.

        Returns:
            What was found, in a line.

        Raises:
            InputError: If a file of the run is missing or damaged.
        """
        try:
            found, _ = self._process.communicate(json.dumps(os.fspath(folder)))
        except OSError:  # It has ended already.
            found = ""
        return found if self._process.returncode == 0 and found else report(folder)


def report(folder: Path) -> str:
    """Writes the report of a finished run.

    Args:
        folder: The run's folder.

    Returns:
        What was found, in a line.
    """
    from keras_sharpness.reporting import wording
    from keras_sharpness.reporting.report import write_report
    from keras_sharpness.reporting.run_folder import read_run

    write_report(folder)
    return wording.describe(read_run(folder).kendall)


def serve() -> None:
    """What the process does: it loads what it will need, waits for a folder, and prints what was found."""
    # An interrupt is for the process that trains; when that ends, so does the input here.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import matplotlib.backends.backend_agg  # noqa: F401
    import scipy.stats  # noqa: F401

    import keras_sharpness.reporting.report  # noqa: F401

    if given := sys.stdin.read():
        print(report(Path(json.loads(given))), end="")
