"""What all tests share: the backend, quiet logs, and where optional data lie."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def run_python():
    """Runs Python in a process of its own, for what depends on how a process starts."""

    def run(*arguments, **environment):
        process = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            cwd=ROOT,
            timeout=300,
        )
        return process

    return run
