"""Times the measurements of one model, and whole commands: what a user waits for. Each stands beside its peers.

`python -m benchmarks.calls` writes `calls.csv`, `commands.csv` and `calls.md` into `runs/benchmark`; so does
`python main.py benchmark`. `python -m benchmarks.calls dense` prints the measurements of one network on the backend of
`KERAS_BACKEND` as JSON.
"""

import json
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measuring import CASES, NUM_BATCHES, RHOS, STEP_SIZE, M, examples, timed_calls
from benchmarks.processes import ROOT, installed_backends, run_module, seconds_of

PLAIN = {"torch": "plain PyTorch", "keras": "plain Keras on TensorFlow"}
# Models, epochs at most.
STUDIES = {"fcnn": (50, 10), "gat": (50, 20)}
NOTE = """# Calls of one model

Seconds of `worst_case_sharpness` on one model (2 batches of 64, 5 steps of gradient ascent; for `cnn` 20 of APGD), and
of `SharpnessCallback` in the epochs of `fit`, beside the same ascents as a plain loop. The first call traces and
compiles; a call with another radius, and later epochs, use what was compiled. `peak` is the memory in MB above what was
in use before the first call.

"""
NOTE_ON_COMMANDS = """
# Whole commands

Seconds from start to report, beside the plain PyTorch loop, which trains and measures the same pool and writes none.

"""


def main(output: Path) -> None:
    """Measures every network on every backend, each in a process of its own, then whole commands.

    Args:
        output: Folder for the results.
    """
    calls = pd.DataFrame([row for name in CASES for row in _rows(name)])
    commands = pd.DataFrame([_command(name) for name in STUDIES])
    output.mkdir(parents=True, exist_ok=True)
    calls.to_csv(output / "calls.csv", index=False)
    commands.to_csv(output / "commands.csv", index=False)
    (output / "calls.md").write_text(NOTE + _page(calls) + NOTE_ON_COMMANDS + _page(commands))


def _rows(name: str) -> list[dict[str, Any]]:
    """Returns a row for each plain loop and for each backend, measured one right after another."""
    backends = installed_backends()
    plain = [f for f in PLAIN if (f if f == "torch" else "tensorflow") in backends]
    found = {PLAIN[framework]: run_module("benchmarks.plain_loops", framework, name) for framework in plain}
    found |= {backend: run_module("benchmarks.calls", name, KERAS_BACKEND=backend) for backend in backends}
    return [{"model": name, "code": code} | _row(measured) for code, measured in found.items()]


def _row(measured: dict[str, Any]) -> dict[str, float | str]:
    row: dict[str, float | str] = {}
    for what in ("call", "epoch"):
        first, *later = measured.get(what, ("", ""))
        row |= {f"first {what}": first and round(first, 3), f"later {what}s": first and round(min(later), 3)}
    return row | {"peak": round(measured["peak"])}


def _command(name: str) -> dict[str, Any]:
    num_models, max_epochs = STUDIES[name]
    with tempfile.TemporaryDirectory() as folder:
        ours = f"main.py --model={name} --num_models={num_models} --output_dir={shlex.quote(folder)}"
        seconds = seconds_of(*shlex.split(ours))
    plain = seconds_of("benchmarks/plain_pytorch.py", name, num_models, max_epochs)
    return {
        "command": f"--model={name}",
        "models": num_models,
        "s": round(seconds, 1),
        "plain PyTorch: s": round(plain, 1),
    }


def _page(table: pd.DataFrame) -> str:
    lines = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def measure(name: str) -> dict[str, Any]:
    """Returns seconds of three calls with different radii, their peak memory, and seconds of the callback in epochs."""
    import keras

    import keras_sharpness as ks
    from benchmarks.networks import BUILD

    case, x, y = examples(name)
    ascent = {"num_steps": case.num_steps} | ({"step_size": STEP_SIZE} if case.maximizer == "PGA" else {})
    options: dict[str, Any] = {"m": M, "num_batches": NUM_BATCHES, "maximizer": getattr(ks, case.maximizer)(**ascent)}

    def new() -> keras.Model:
        model = BUILD[name]()
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    model = new()
    measured = timed_calls(lambda rho: ks.worst_case_sharpness(model, x, y, rho=rho, **options), RHOS)
    before: list[float] = []
    after: list[float] = []
    clocks = [
        keras.callbacks.LambdaCallback(on_epoch_end=lambda *_, t=t: t.append(time.perf_counter()))
        for t in (before, after)
    ]
    callback = ks.SharpnessCallback(x, y, rho=0.01, **options)
    new().fit(x, y, epochs=3, batch_size=64, verbose=0, callbacks=[clocks[0], callback, clocks[1]])
    return measured | {"epoch": (np.array(after) - np.array(before)).tolist()}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main(ROOT / "runs" / "benchmark")
