"""What the measured calls share: sizes, data, clock and memory."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

M, NUM_BATCHES, STEP_SIZE = 64, 2, 0.05
RHOS = (0.01, 0.02, 0.03)
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """What is measured.

    Attributes:
        shape: Shape of an example.
        maximizer: "PGA" or "APGD".
        num_steps: Steps of it.
    """

    shape: tuple[int, ...]
    maximizer: str = "PGA"
    num_steps: int = 5


CASES = {
    "dense": Case(shape=(784,)),
    "resnet20": Case(shape=(32, 32, 3)),
    "vit": Case(shape=(32, 32, 3)),
    "cnn": Case(shape=(28, 28, 1), maximizer="APGD", num_steps=20),
}


def examples(name: str) -> tuple[Case, np.ndarray, np.ndarray]:
    """Returns a case, and 512 random examples with labels."""
    case, rng = CASES[name], np.random.default_rng(0)
    return case, rng.normal(size=(512, *case.shape)).astype("float32"), rng.integers(0, 10, 512)


def timed_calls(call: Callable[[float], Any], radii: Sequence[float]) -> dict[str, Any]:
    """Returns the seconds of calls with these radii, and the peak memory above the start in MB."""
    before, seconds = reset_peak(), []
    for rho in radii:
        begin = time.perf_counter()
        call(rho)
        seconds.append(time.perf_counter() - begin)
    return {"call": seconds, "peak": (kilobytes("VmHWM") - before) / 1024}


def reset_peak() -> int:
    """Forgets the peak so far; returns the memory in use, kilobytes (Linux)."""
    RESET.write_text("5")
    return kilobytes("VmRSS")


def kilobytes(name: str) -> int:
    """Returns an entry of the process's status, such as VmHWM, its peak memory."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])
