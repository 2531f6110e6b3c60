"""Measurements in processes of their own, one after another, so that none disturbs the next."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BACKENDS = ("tensorflow", "jax", "torch")


def installed_backends() -> list[str]:
    """Returns the backends that can be measured here."""
    return [name for name in BACKENDS if importlib.util.find_spec(name)]


def run_module(module: str, *arguments: object, **environment: str) -> Any:
    """Runs a module of this folder and returns what its last line of output, JSON, holds.

    Args:
        module: Its name.
        *arguments: Its arguments.
        **environment: Variables of its environment besides this one's.
    """
    variables = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"} | environment
    command = [sys.executable, "-m", module, *map(str, arguments)]
    output = subprocess.run(command, env=variables, stdout=subprocess.PIPE, check=True, text=True, cwd=ROOT).stdout
    return json.loads(output.splitlines()[-1])


def seconds_of(*command: object) -> float:
    """Returns the seconds that a Python program takes, from its start to its end.

    Args:
        *command: Its file and arguments.
    """
    variables = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    begin = time.perf_counter()
    subprocess.run([sys.executable, *map(str, command)], env=variables, stdout=subprocess.DEVNULL, check=True, cwd=ROOT)
    return time.perf_counter() - begin
