"""What the program does. Keras is imported inside, once the backend is known."""

import contextlib
import dataclasses
import importlib.util
import json
import logging
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from keras_sharpness.cli import flags, quiet, signals
from keras_sharpness.errors import require
from keras_sharpness.studies.protocols import config_of, make_config, make_study
from keras_sharpness.studies.released.particulars import released_config
from keras_sharpness.typing import BackendName, choices

log = logging.getLogger(__name__)


def study() -> None:
    """Runs a whole study and writes its report."""
    require(flags.FLAGS.split == "cells", "--split=examples must be asked of `measure`", command="study")
    config = make_config(**flags.study_settings())
    folder = _output_dir() or Path("runs", flags.run_name())
    # The members of a pool run in threads, one core each.
    distribution = _start_keras(in_threads=True)
    from keras_sharpness.reporting.report import write_report
    from keras_sharpness.studies.run import run_study

    given = flags.FLAGS
    study = make_study(config, given.data_dir, given.download, given.plan, distribution)
    log.info("%s, %s protocol, %d models, in %s", config.model, config.protocol, config.num_models, folder)
    log.info("data: %s", study.dataset.source)
    with _stoppable() as stop:
        summary = run_study(study, folder, resume=given.resume, command=_command(), stop=stop)
    if not summary:
        return
    write_report(folder)
    log.info(_verdict(summary))
    log.info("report: %s", folder / "report.md")


def sweep(run: str) -> None:
    """Measures a run's models for many radii and batch sizes, and writes its report again.

    Args:
        run: The run's folder.
    """
    folder, given = Path(run), flags.FLAGS
    config = config_of(folder)
    num_models = given.num_models if given["num_models"].present else config.num_models
    rhos, ms = flags.sweep_sizes(config.rho)
    _start_keras(in_threads=True)
    from keras_sharpness.reporting.report import write_report
    from keras_sharpness.studies.sweep import Sweep, run_sweep

    work = Sweep(make_study(config, given.data_dir, given.download, given.plan), rhos, ms, given.plan)
    with _stoppable() as stop:
        run_sweep(work, folder, num_models, stop)
    write_report(folder)
    log.info("sweep: %s", folder / "sweep.csv")


def ablation() -> None:
    """Goes from the released code's procedure to the paper's, one particular at a time."""
    given = flags.FLAGS
    settings: dict[str, Any] = {"model": given.model, "num_models": given.num_models, "seed": given.seed}
    released_config(**settings)
    _start_keras(in_threads=True)
    from keras_sharpness.reporting.ablation_page import write_ablation
    from keras_sharpness.reporting.run_folder import TITLES
    from keras_sharpness.studies.released.ablation import run_ablation, steps

    folder = _output_dir() or Path("runs", "ablation", given.model)
    with _stoppable() as stop:
        run_ablation([*steps(**settings)], folder, given.data_dir, given.download, stop)
    write_ablation(folder, TITLES[given.model])
    log.info("ablation: %s", folder / "ablation.md")


@contextlib.contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Lets a signal end the block's work once what is under way is done, and then the program.

    Yields:
        A function that tells whether a signal has come.
    """
    from keras_sharpness.studies.run import Stopped

    with signals.graceful() as came:
        try:
            yield lambda: bool(came())
        except Stopped:
            log.warning("stopped; the same command goes on from here")
            sys.exit(128 + (came() or signal.SIGTERM))


def measure() -> None:
    """Measures a saved model on a file of data, and prints the result as JSON."""
    given = flags.FLAGS
    for name in ("keras_model", "data"):
        require(given[name].value is not None, f"`measure` must be given --{name}")
    output = _output_dir()
    alone = given.strategy == "none" or given.measure in flags.SHARED_MEASURES
    require(alone, f"--strategy must come with one of {', '.join(flags.SHARED_MEASURES)}", measure=given.measure)
    distribution = _start_keras(in_threads=False)
    from keras_sharpness.cli import measure as command
    from keras_sharpness.maximizers import make_maximizer

    ball = {name: given[name].value for name in ("rho", "norm", "scaling", "eta") if given[name].present}
    step_size = 0.05 if given.step_size is None else given.step_size
    ascent = make_maximizer(
        given.maximizer, given.pga_steps, step_size, given.direction, given.coordinates, given.num_restarts, given.seed
    )
    settings = command.Settings(
        loss=given.loss,
        ball=ball,
        ascent=ascent,
        batches={"m": given.m, "num_batches": given.num_batches, "seed": given.seed},
        batch_size=given.batch_size,
        select=given.select.split(",") if "," in given.select else given.select,
        num_draws=given.num_draws,
        k=given.k,
        distribution=distribution,
    )
    chief = settings.distribution.is_chief
    result = command.run(given.keras_model, given.data, given.measure, settings, output if chief else None)
    if chief:
        print(json.dumps(result, indent=2))


def report(run: str) -> None:
    """Writes the report of a finished run again.

    Args:
        run: The run's folder.

    Raises:
        InputError: If there is no such folder.
    """
    from keras_sharpness.reporting.report import write_report

    folder = Path(run)
    require(folder.is_dir(), "`report` must be given the folder of a run", folder=str(folder))
    write_report(folder)
    log.info("report: %s", folder / "report.md")


def compare(*runs: str) -> None:
    """Writes runs beside each other and beside the published points.

    Args:
        *runs: Folders of runs, or CSV files with columns `sharpness` and `test_loss`.
    """
    from keras_sharpness.reporting.compare import write_comparison

    output, reference = _output_dir() or Path("runs/comparison"), str(flags.FLAGS["with"].value)
    for line in write_comparison(runs, reference, output):
        log.info(line)
    log.info("comparison: %s", output / "compare.md")


def benchmark() -> None:
    """Times training and sharpness beside a plain PyTorch loop."""
    require(
        importlib.util.find_spec("benchmarks") is not None, "`benchmark` must be run in a checkout of the repository"
    )
    from benchmarks import run

    run.main(_output_dir() or Path("runs/benchmark"))


@dataclasses.dataclass(frozen=True)
class Command:
    """What a word of the command line stands for.

    Attributes:
        run: Does it.
        takes: Names of its flags.
        arguments: Names of its arguments; RUNS: one or more.
    """

    run: Callable[..., None]
    takes: tuple[str, ...]
    arguments: tuple[str, ...] = ()


RUN = flags.GROUPS["Run"]
DATA = ("backend", "plan", "data_dir", "download")
COMMANDS = {
    "study": Command(study, (*flags.SETTINGS, *RUN)),
    "sweep": Command(sweep, ("num_models", *flags.GROUPS["Sweep"], *DATA), ("RUN",)),
    "ablation": Command(ablation, ("model", "num_models", "seed", *DATA, "output_dir")),
    "measure": Command(measure, (*flags.GROUPS["Sharpness"], *flags.GROUPS["Measure"], "seed", "batch_size", *RUN)),
    "report": Command(report, (), ("RUN",)),
    "compare": Command(compare, (*flags.GROUPS["Compare"], "output_dir"), ("RUNS",)),
    "benchmark": Command(benchmark, ("output_dir",)),
}


def choose(words: Sequence[str]) -> tuple[Callable[..., None], list[str]]:
    """Returns the command that the words of the command line name, and its arguments.

    Args:
        words: What is left of the command line without its flags; nothing means `study`.

    Raises:
        InputError: If there is no such command, or its flags or arguments do not fit.
    """
    name, *arguments = words or ["study"]
    require(name in COMMANDS, f"the command must be one of {', '.join(COMMANDS)}", command=name)
    command = COMMANDS[name]
    fits = len(arguments) >= 1 if command.arguments == ("RUNS",) else len(arguments) == len(command.arguments)
    require(fits, f"`{name}` takes {' '.join(command.arguments) or 'no arguments'}", arguments=arguments)
    others = [f"--{flag}" for flag in flags.given() if flag not in command.takes]
    require(not others, f"`{name}` must be given flags that it takes (see --help)", others=", ".join(others))
    return command.run, arguments


def _output_dir() -> Path | None:
    """Returns the folder that the results go to, if one is given; it need not exist yet."""
    given = flags.FLAGS.output_dir
    fits = not given or Path(given).is_dir() or not Path(given).exists()
    require(fits, "`output_dir` must be a folder, or a new name", output_dir=given)
    return Path(given) if given else None


def _start_keras(in_threads: bool) -> Any:
    name = flags.FLAGS.backend or os.environ.get("KERAS_BACKEND", "tensorflow")
    known = choices(BackendName)
    require(name in known, f"the Keras backend must be one of {', '.join(known)}", KERAS_BACKEND=name)
    require(importlib.util.find_spec(name) is not None, "the Keras backend must be installed", backend=name)
    os.environ["KERAS_BACKEND"] = name
    _check_devices()
    with quiet.muffled():
        from keras_sharpness import backend, distribution

        if in_threads:
            backend.use_one_thread_per_operation()
        given = distribution.start(flags.FLAGS.strategy, flags.FLAGS.num_devices, flags.FLAGS.tpu or "local")
        backend.devices()
        shared = (
            distribution.split_examples(given) if flags.FLAGS.split == "examples" else distribution.distribute(given)
        )
    if not shared.is_chief:
        quiet.only_warnings()
    return shared


def _check_devices() -> None:
    """Raises unless the flags of devices go together.

    Raises:
        InputError: If they do not.
    """
    given = flags.FLAGS
    require(given.tpu is None or given.strategy == "tpu", "--tpu must come with --strategy=tpu", tpu=given.tpu)
    mirrored = given.num_devices is None or given.strategy == "mirrored"
    splits = given.split == "cells" or given.strategy != "none"
    require(splits, "--split=examples must come with a --strategy", strategy=given.strategy)
    require(mirrored, "--num_devices must come with --strategy=mirrored", num_devices=given.num_devices)


def _command() -> str:
    return shlex.join(["python", "main.py", *sys.argv[1:]])


def _verdict(summary: dict) -> str:
    from keras_sharpness.reporting.figures import p_value_text

    if summary["tau"] is None:
        return "tau: undefined"
    low, high = summary["tau_ci_low"], summary["tau_ci_high"]
    tau, p_value, num_models = summary["tau"], summary["p_value"], summary["num_models"]
    interval = "" if low is None else f" [{low:.3f}, {high:.3f}]"
    return f"tau = {tau:.3f}{interval}, {p_value_text(p_value)}, {num_models} models"
