"""Times training and sharpness of pools beside a plain PyTorch loop: `python main.py benchmark`.

Every measurement is a process of its own, one after another. Ratios compare seconds per epoch of training and seconds
per model of sharpness, so that a different number of epochs until the stopping rule acts does not count.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
# Network: models of ours, models of the plain loop, epochs at most. One epoch of LeNet's is long enough.
SIZES = {"fcnn": (50, 5, 10), "gat": (50, 2, 20), "lenet": (4, 2, 1)}
# Eager PyTorch takes so long for these that fewer models must do.
FEWER = {("torch", "gat"): 4}
# XLA is slow at convolutions on a CPU: eight epochs were not over after 12 minutes of CPU time.
LEFT_OUT = {("jax", "lenet")}
BACKENDS = ("tensorflow", "jax", "torch")


def main(output: Path) -> None:
    """Measures, and writes `benchmark.csv` and `benchmark.md`.

    Args:
        output: Folder for the results.
    """
    rows = []
    for network, (ours, plain, max_epochs) in SIZES.items():
        baseline = _time("plain_pytorch.py", network, plain, max_epochs)
        rows.append(_row(network, "plain PyTorch", plain, baseline, baseline, plain))
        for backend in filter(importlib.util.find_spec, BACKENDS):
            if (backend, network) in LEFT_OUT:
                continue
            models = FEWER.get((backend, network), ours)
            seconds = _time("ours.py", network, models, max_epochs, KERAS_BACKEND=backend)
            rows.append(_row(network, backend, models, seconds, baseline, plain))
            print(pd.DataFrame(rows).to_string(), flush=True)
    output.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows)
    table.to_csv(output / "benchmark.csv", index=False)
    (output / "benchmark.md").write_text(_markdown(table))


def _time(script: str, *arguments: object, **environment: str) -> dict:
    environment = os.environ | {"PYTHONPATH": str(HERE.parent), "TF_CPP_MIN_LOG_LEVEL": "3"} | environment
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True).stdout
    return json.loads(output.splitlines()[-1])


def _row(network: str, code: str, models: int, seconds: dict, baseline: dict, baseline_models: int) -> dict:
    per_epoch = seconds["training"] / seconds["epochs"]
    per_model = seconds["sharpness"] / models
    first = sum(seconds.get(f"first_{part}", seconds[part]) - seconds[part] for part in ("training", "sharpness"))
    return {
        "network": network,
        "code": code,
        "models": models,
        "training: ms per epoch": round(1000 * per_epoch, 2),
        "faster": round(baseline["training"] / baseline["epochs"] / per_epoch, 2),
        "sharpness: ms per model": round(1000 * per_model, 1),
        "faster ": round(baseline["sharpness"] / baseline_models / per_model, 2),
        "start-up: s": round(seconds.get("start_up", 0), 1),
        "compilation: s": round(first, 1),
    }


def _markdown(table: pd.DataFrame) -> str:
    lines = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
