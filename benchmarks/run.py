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

from benchmarks import calls, figure

HERE = Path(__file__).parent
# Network: epochs at most, models of ours, models of the plain loop. One epoch of LeNet's is long enough.
SIZES = {"fcnn": (10, 50, 10), "gat": (20, 50, 2), "lenet": (1, 4, 2)}
# Further pools, to see the growth.
GROWTH = {("tensorflow", "fcnn"): "10,200,1000", ("jax", "fcnn"): "10,200,1000", ("tensorflow", "gat"): "10,200,1000"}
BACKENDS = ("tensorflow", "jax", "torch")


def main(output: Path) -> None:
    """Measures, and writes `benchmark.csv`, `growth.csv`, `benchmark.md`, `benchmark.png` and what `calls` does.

    Args:
        output: Folder for the results.
    """
    rows, growth = [], []
    for network, (max_epochs, ours, plain) in SIZES.items():
        baseline = _time("plain_pytorch.py", network, plain, max_epochs)
        rows.append(_row(network, "plain PyTorch", plain, baseline, baseline, plain))
        for backend in filter(importlib.util.find_spec, BACKENDS):
            others = GROWTH.get((backend, network), "")
            seconds = _time("ours.py", network, max_epochs, ours, others, KERAS_BACKEND=backend)
            rows.append(_row(network, backend, ours, seconds, baseline, plain))
            if others:
                growth += [(network, backend, int(size), total) for size, total in seconds["growth"].items()]
            print(pd.DataFrame(rows).to_string(), flush=True)
    output.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows)
    pools = pd.DataFrame(growth, columns=["network", "code", "models", "seconds"])
    table.to_csv(output / "benchmark.csv", index=False)
    pools.to_csv(output / "growth.csv", index=False)
    (output / "benchmark.md").write_text(_page(table, pools, baseline["peak"]))
    calls.main(output)
    figure.draw(table, pools).savefig(output / "benchmark.png", dpi=150)


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
        "training: faster": round(baseline["training"] / baseline["epochs"] / per_epoch, 2),
        "training: GFLOP/s": round(baseline["operations_training"] / per_epoch / 1e9, 1),
        "sharpness: ms per model": round(1000 * per_model, 1),
        "sharpness: faster": round(baseline["sharpness"] / baseline_models / per_model, 2),
        "sharpness: GFLOP/s": round(baseline["operations_sharpness"] / per_model / 1e9, 1),
        "start-up: s": round(seconds.get("start_up", 0), 1),
        "compilation: s": round(max(first, 0), 1),
    }


def _page(table: pd.DataFrame, pools: pd.DataFrame, peak: float) -> str:
    wide = pools.pivot(index=["network", "code"], columns="models", values="seconds").round(2).reset_index()
    notes = (
        f"GFLOP/s count the matrix products and convolutions of the plain loop; the machine multiplies large matrices "
        f"at {peak / 1e9:.0f}. For `gat` they are an equivalent: the package skips the zeros of the features and the "
        "nodes that a loss does not depend on.\n"
    )
    growth = f"Seconds to train and measure pools of as many models:\n\n{_markdown(wide)}"
    return f"# Speed\n\n{_markdown(table)}\n{notes}\n{growth}"


def _markdown(table: pd.DataFrame) -> str:
    lines = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
