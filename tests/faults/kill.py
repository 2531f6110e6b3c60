"""Kills a command again and again until it is done, and compares its end with that of one left alone.

    KERAS_BACKEND=torch python tests/faults/kill.py FOLDER KILLS [SEED [COMMAND ...]]

The commands are those of `works`, `study` if none is named. They run in forked children, which need not start Python
anew, so that hundreds of kills take minutes. Each kill comes at a random moment. Ends with status 1 and the seed if a
single number differs.
"""

import contextlib
import dataclasses
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_sharpness import backend


@dataclasses.dataclass(frozen=True)
class Work:
    """A command of small size.

    Attributes:
        name: What it is and its settings, for the record.
        run: Does it in a folder.
        files: The files that must be equal to the last byte, as patterns.
        prepare: Makes what must be there before.
        goes_on: Whether a run that was killed goes on; else it begins anew.
    """

    name: str
    run: Callable[[Path], object]
    files: tuple[str, ...]
    prepare: Callable[[Path], object] = lambda folder: folder.mkdir(parents=True)
    goes_on: bool = True


def study(chance):
    """A pool, its sharpness and tau."""
    made, name = make_study(chance, num_models=chance.choice([3, 7, 30]), max_epochs=chance.choice([1, 3]))
    return Work(f"study {name}", lambda folder: run_study(made(), folder), ("models.csv",))


def blocks(chance):
    """A pool whose files are packed, as those of a large one."""
    made, name = make_study(chance, num_models=30, max_epochs=1)
    return Work(f"blocks {name}", lambda folder: run_study(made(), folder, block=4), ("models.csv", "*/*.zip"))


def sweep(chance):
    """Radii and batch sizes of a pool that is there."""
    from keras_sharpness.studies.sweep import Sweep, run_sweep

    made, name = make_study(chance, num_models=18, max_epochs=1)
    sizes = [0.01, 0.02, 0.05], [4, 8]
    files = "sweep.csv", "sweep_batch_sizes.csv", "sweep_pairs.csv"
    run = lambda folder: run_sweep(Sweep(made(), *sizes), folder, 18)  # noqa: E731
    return Work(f"sweep {name}", run, files, lambda folder: run_study(made(), folder))


def report(chance):
    """The report on a study."""
    from keras_sharpness.reporting.report import write_report

    made, name = make_study(chance, num_models=18, max_epochs=1)
    files = "report.md", "report.html", "scatter.png"
    return Work(f"report {name}", write_report, files, lambda folder: run_study(made(), folder), goes_on=False)


def compare(chance):
    """Tables of made-up pools, and the paper's points."""
    from keras_sharpness.reporting.compare import write_comparison

    def prepare(folder):
        folder.mkdir(parents=True)
        for seed in range(2):
            rows = np.random.default_rng(seed).normal(size=(30, 2))
            lines = [f"{a},{b},fcnn" for a, b in rows]
            (folder / f"{seed}.csv").write_text("\n".join(["sharpness,test_loss,model", *lines]))

    def run(folder):
        # Named from inside, as the names are part of what is written.
        os.chdir(folder)
        write_comparison(["0.csv", "1.csv"], "published", Path("out"))

    return Work("compare", run, ("out/*.md", "out/*.csv", "out/*.png"), prepare, goes_on=False)


def ablation(chance):
    """The first steps from the paper's procedure to the released code's, whose ascent is the paper's, which is fast."""
    from keras_sharpness.studies.config import released_config
    from keras_sharpness.studies.released.ablation import Step, run_ablation

    settings = {"num_models": 5, "seed": chance.randrange(100), "max_epochs": 2, "num_batches": 2, "m": 8}
    particulars = released_config("fcnn").system.particulars
    names = [particular.name for particular in particulars]
    configs = [released_config("fcnn", names[number:], **settings) for number in range(3)]
    way = [Step(k, config, particulars[k - 1] if k else None, "paper") for k, config in enumerate(configs)]
    run = lambda folder: run_ablation(way, folder)  # noqa: E731
    return Work(f"ablation {settings}", run, ("ablation.csv", "*/models.csv"))


def measure(chance):
    """One measure of a saved model."""
    from keras_sharpness.cli import app

    kind = chance.choice(["worst_case", "trace", "line"])

    def prepare(folder):
        from tests.support import small_pool

        folder.mkdir(parents=True)
        model = small_pool.build()
        model.compile(loss=small_pool.OPTIONS["loss"])
        model.save(folder / "model.keras")
        np.savez(folder / "data.npz", x=small_pool.X, y=small_pool.Y)

    def run(folder):
        os.chdir(folder)
        sys.argv = ["main.py", "measure", "--keras_model=model.keras", "--data=data.npz", "--output_dir=out"]
        sys.argv += [f"--measure={kind}", "--quiet"]
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            app.run()

    return Work(f"measure {kind}", run, ("out/measure.*",), prepare, goes_on=False)


def pool(chance):
    """A pool over hyper-parameters, its measures and their ranking."""
    from keras_sharpness.studies.pool_study import PoolStudy, run_pool_study

    seed = chance.randrange(100)

    def run(folder):
        from tests.support import small_pool

        measures = ["param_norm", "l2_distance", "sharpness_orig"]
        training = small_pool.OPTIONS | {"seeds": 4, "seed": seed}
        splits = {"train": small_pool.TRAIN, "test": small_pool.TEST}
        made = PoolStudy(build=small_pool.build, space=small_pool.SPACE, training=training, measures=measures, **splits)
        table = run_pool_study(made, folder)
        assert table is not None
        # Times are not part of the promise.
        lines = (folder / "models.csv").read_text().splitlines()
        assert lines[0].endswith(",seconds")
        (folder / "numbers.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines))

    return Work(f"pool {seed}", run, ("numbers.csv", "ranking.csv", "environments.csv"))


WORKS = {work.__name__: work for work in (study, blocks, sweep, report, compare, ablation, measure, pool)}


def make_study(chance, **settings):
    """Returns a function that makes a study, and its settings."""
    from keras_sharpness.data.dataset import Dataset
    from keras_sharpness.studies.config import study_config
    from keras_sharpness.studies.study import Study

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 10)).astype("float32"), rng.normal(size=(200, 1)).astype("float32")
    dataset = Dataset(name="abalone", x=x, y=y, train=np.arange(150), test=np.arange(150, 200), source="made up")
    settings |= {"num_batches": 2, "m": 8, "seed": chance.randrange(100)}
    return lambda: Study(study_config("fcnn", **settings), dataset), str(settings)


def run_study(made, folder, block=256):
    """Runs a study in blocks of a size."""
    from keras_sharpness.files import numbered
    from keras_sharpness.studies import run

    numbered.BLOCK = block
    run.run_study(made, folder)


def main(folder: Path, kills: int, seed: int, names: list[str]) -> None:
    """Runs commands of several shapes, each killed until it ends, until there were enough kills of each."""
    for name in names:
        chance, done = random.Random(seed), 0
        while done < kills:
            done += _killed(WORKS[name](chance), folder, chance, seed)
            print(f"{done} kills of {name}", flush=True)


def _killed(work: Work, folder: Path, chance: random.Random, seed: int) -> int:
    """Kills a command until it ends, and returns how often."""
    shutil.rmtree(folder, ignore_errors=True)
    assert _child(work.prepare, folder / "whole", None) == 0
    shutil.copytree(folder / "whole", folder / "killed")
    begin = time.perf_counter()
    assert _child(work.run, folder / "whole", None) == 0
    length = time.perf_counter() - begin
    killed, most = 0, 0.6 if work.goes_on else 1.5
    while _child(work.run, folder / "killed", chance.uniform(0, most * length)) != 0:
        killed += 1
        # A pool that is always killed before its first model is saved would never end.
        if killed > 40:
            length *= 2
    _compare(work, folder, seed)
    return killed


def _child(run, folder: Path, seconds: float | None) -> int:
    """Runs in a fork, killed after some seconds; returns its status."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            # Here, in the child: PyTorch must not have computed anything before the fork.
            backend.use_one_thread_per_operation()
            run(folder)
            status = 0
        except SystemExit as end:
            status = end.code or 0
        except BaseException as error:
            print("child:", error, flush=True)
        os._exit(status)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("a run that goes on failed")
    return status


def _compare(work: Work, folder: Path, seed: int) -> None:
    whole, killed = (_results(work, folder / name) for name in ("whole", "killed"))
    leftovers = list((folder / "killed").rglob("*.part"))
    if whole != killed:
        differing = sorted(name for name in whole.keys() | killed.keys() if whole.get(name) != killed.get(name))
        sys.exit(f"a killed run ended with other numbers (seed {seed}, {work.name}): {differing}")
    if leftovers:
        sys.exit(f"killed runs left {len(leftovers)} temporary files behind ({work.name})")


def _results(work: Work, folder: Path) -> dict[str, object]:
    """Returns what must be equal, by its name."""
    paths = [path for pattern in work.files for path in folder.glob(pattern)]
    found: dict[str, object] = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
    assert found
    if (folder / "summary.json").exists():
        summary = json.loads((folder / "summary.json").read_text())
        found["summary"] = {name: value for name, value in summary.items() if "seconds" not in name}
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int((sys.argv[3:] or ["0"])[0]), sys.argv[4:] or ["study"])
