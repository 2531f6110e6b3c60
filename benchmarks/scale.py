"""Large pools: files, seconds and memory of what comes after training.

`python -m benchmarks.scale FOLDER [NUMBERS]` fills folders with studies of Abalone made of random numbers, in valid
files, and runs commands on them, each in a process of its own. Of up to 20,000 models the folders are whole: the study
itself finds everything there, reads all files and writes its tables; `sweep`, likewise; `report`; `compare`. Of more
(100,000 by default) they hold loss paths and tables, for `report` and `compare`. It prints a row for each, and writes
`scale.csv` into FOLDER. `cpu_seconds` are those of all cores, and the peak is of the process.
"""

import csv
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import kilobytes, reset_peak
from benchmarks.processes import ROOT, run_module

NUMBERS, MOST_WHOLE = (20_000, 100_000), 20_000
SHAPES = ((10, 64), (64,), (64, 64), (64,), (64, 1), (1,))
NUM_BATCHES, NUM_STEPS, NUM_TEST = 50, 5, 836
RHOS, MS = [0.00025, 0.0025, 0.025, 0.25], ["16", "64", "256", "full"]
DESCRIBED = {"data": "UCI's Abalone, random split of seed 0", "backend": "torch", "members_at_once": 25}
FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage")


def rows(root: Path, number: int) -> Iterator[dict[str, Any]]:
    """Makes a folder and measures commands on it.

    Args:
        root: Where folders are made.
        number: Number of models.
    """
    folder, other, table = root / str(number), root / "compared", root / f"{number}.csv"
    shutil.rmtree(folder, ignore_errors=True)
    # In a process of its own: a small process starts small ones, whose peaks are their own.
    yield {"step": "make"} | run_module("benchmarks.scale", "make", folder, number) | of(folder)
    main, sizes = ("main.py", "--quiet"), (f"--rhos={','.join(map(str, RHOS))}", f"--ms={','.join(MS)}")
    if number <= MOST_WHOLE:
        yield run(folder, "study", *main, f"--num_models={number}", f"--output_dir={folder}")
    yield run(folder, "report", *main, "report", folder)
    shutil.copy(folder / "models.csv", table)
    yield run(folder, "compare", *main, "compare", folder, table, "--with=none", f"--output_dir={other}")
    yield opened(folder / "report.html")
    if number <= MOST_WHOLE:
        yield run(folder, "sweep", *main, "sweep", folder, *sizes)


def make(folder: Path, number: int) -> dict[str, Any]:
    """Fills a folder, without waiting for the disk, and returns what that took."""
    from keras_sharpness.pools.store import PoolStore, files_of_arrays
    from keras_sharpness.studies.config import study_config
    from keras_sharpness.studies.folder import write_rows
    from keras_sharpness.studies.summary import summarize

    os.fsync = lambda _: None
    before, began, rng = reset_peak(), clocks(), np.random.default_rng(0)
    store, swept = PoolStore(folder), files_of_arrays(folder / "sweep")
    rows = []
    for index in range(number):
        level = rng.normal()
        rises = np.cumsum(rng.random((NUM_BATCHES, NUM_STEPS + 1)), axis=1) * np.exp(0.3 * (rng.normal() - level))
        norms = np.exp(rng.normal(size=NUM_BATCHES))
        store.save_paths(index, {"losses": rises.astype("float32"), "gradient_norms": norms.astype("float32")})
        rows.append(row(index, level, rises))
        if number <= MOST_WHOLE:
            save_others(store, swept, index, level, rng)
    config = {"study": dataclasses.asdict(study_config("fcnn", num_models=number)), **DESCRIBED}
    (folder / "config.json").write_text(json.dumps(config))
    if number > MOST_WHOLE:
        write_rows(folder / "models.csv", rows)
        summary = summarize({name: [row[name] for row in rows] for name in ("sharpness", "test_loss")})
        (folder / "summary.json").write_text(json.dumps(summary))
    return since(began) | {"peak_mb": (kilobytes("VmHWM") - before) / 1024}


def row(index: int, level: float, rises: np.ndarray) -> dict[str, float]:
    """Returns a model's row of the table."""
    found = rises.max(axis=1) - rises[:, 0]
    losses = {"train_loss": float(np.exp(0.09 * level)), "test_loss": float(np.exp(0.1 * level))}
    error = found.std() / NUM_BATCHES**0.5
    numbers = {"sharpness": float(found.mean()), "sharpness_standard_error": float(error)}
    return {"index": index, "seed": index, "epochs": 2} | losses | numbers


def save_others(store: Any, swept: Any, index: int, level: float, rng: np.random.Generator) -> None:
    """Saves the rest of a model: weights, losses, details, and the numbers of a sweep."""
    from keras_sharpness.pools.member import Member, member_seed
    from keras_sharpness.pools.store import save_arrays_of

    weights = [rng.normal(size=shape, scale=0.1).astype("float32") for shape in SHAPES]
    member = Member(index=index, seed=member_seed(0, index), weights=weights, state=[], epoch_losses=(0.6, 0.5))
    losses = np.exp(0.1 * level + 0.1 * rng.normal(size=NUM_TEST)).astype("float32")
    store.save_member(member, {"train_loss": float(np.exp(0.1 * rng.normal())), "test_loss": float(losses.mean())})
    store.save_details(index, {"test_losses": losses})
    sharpness = np.array(RHOS)[:, None] * np.exp(0.3 * (rng.normal(size=len(MS)) - level))
    sizes = {"rhos": np.array(RHOS), "ms": np.array(MS)}
    save_arrays_of(swept, index, **sizes, sharpness=sharpness, gradient_norms=sharpness[0])


def clocks() -> tuple[float, float]:
    """Returns the clock, and the time of all cores that this process has used."""
    return time.perf_counter(), time.process_time()


def since(began: tuple[float, float], cpu: float | None = None) -> dict[str, float]:
    """Returns the seconds since then, and those of all cores."""
    now = clocks()
    return {"seconds": now[0] - began[0], "cpu_seconds": now[1] - began[1] if cpu is None else cpu}


def run(folder: Path, step: str, *command: object) -> dict[str, Any]:
    """Runs a command, and returns its seconds and the peak memory of its process.

    Args:
        folder: The folder that it works on.
        step: Name of the row.
        *command: The command, without Python.
    """
    variables = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    began = clocks()
    process = subprocess.Popen([sys.executable, *map(str, command)], env=variables, cwd=ROOT)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{step} failed")
    cpu = used.ru_utime + used.ru_stime
    return {"step": step} | since(began, cpu) | {"peak_mb": used.ru_maxrss / 1024} | of(folder)


def of(folder: Path) -> dict[str, Any]:
    """Returns the number of files in a folder, and the size of its page."""
    page = folder / "report.html"
    files = sum(path.is_file() for path in folder.rglob("*"))
    return {"files": files, "page_mb": page.stat().st_size / 1e6 if page.exists() else 0}


def opened(page: Path) -> dict[str, Any]:
    """Returns the seconds until a browser has drawn a page."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in FLAGS:
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        began = clocks()
        driver.get(page.as_uri())
        # The answer comes once the frame after the drawing is made.
        driver.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => setTimeout(done))")
        return {"step": "open the page"} | since(began, 0) | {"peak_mb": 0} | of(page.parent)
    finally:
        driver.quit()


def main(root: Path, numbers: Sequence[int]) -> None:
    """Measures everything, and writes the table."""
    table = []
    for number in numbers:
        for found in rows(root, number):
            rounded = {name: round(value, 1) if isinstance(value, float) else value for name, value in found.items()}
            table.append({"models": number} | rounded)
            print(table[-1], flush=True)
    with (root / "scale.csv").open("w") as file:
        writer = csv.DictWriter(file, [*table[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "torch"
    if sys.argv[1] == "make":
        print(json.dumps(make(Path(sys.argv[2]), int(sys.argv[3]))))
    else:
        main(Path(sys.argv[1]), [*map(int, sys.argv[2:])] or NUMBERS)
