"""The commands: their words, flags and arguments, and what they call. Keras is imported once the backend is known."""

import dataclasses
import importlib.util
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from keras_sharpness.cli import effects, flags, start
from keras_sharpness.cli.measure import measure
from keras_sharpness.cli.study_commands import ablation, atlas, pool, splits, study, sweep
from keras_sharpness.errors import require
from keras_sharpness.files.writable import require_writable

log = logging.getLogger(__name__)


def report(run: str) -> None:
    """Writes the report of a finished run, pool or atlas again.

    Args:
        run: Its folder.

    Raises:
        InputError: If there is no such folder.
    """
    from keras_sharpness.reporting.atlas_page import ANSWER, write_atlas
    from keras_sharpness.reporting.pool_folder import RANKING
    from keras_sharpness.reporting.pool_report import write_pool_report
    from keras_sharpness.reporting.report import write_report

    folder = Path(run)
    require(folder.is_dir(), "`report` must be given the folder of a run", folder=str(folder))
    require_writable(folder)
    kinds: dict[str, Callable[[Path], Path]] = {RANKING: write_pool_report, ANSWER: write_atlas}
    next((write for name, write in kinds.items() if (folder / name).exists()), write_report)(folder)
    log.info("report: %s", folder / "report.md")


def compare(*runs: str) -> None:
    """Compares runs with each other and with the published points.

    Args:
        *runs: Folders of runs, or CSV files with columns `sharpness` and `test_loss`.
    """
    from keras_sharpness.reporting.compare import write_comparison

    output, reference = start.output_dir(Path("runs/comparison")), str(flags.FLAGS["with"].value)
    for line in write_comparison(runs, reference, output):
        log.info(line)
    log.info("comparison: %s", output / "compare.md")


def benchmark() -> None:
    """Times training and sharpness, and a plain PyTorch loop for comparison."""
    require(
        importlib.util.find_spec("benchmarks") is not None, "`benchmark` must be run in a checkout of the repository"
    )
    from benchmarks import run

    run.main(start.output_dir(Path("runs/benchmark")))


@dataclasses.dataclass(frozen=True)
class Command:
    """A command of the program.

    Attributes:
        run: The function that does it.
        takes: Names of its flags.
        arguments: Names of its arguments; RUNS: one or more.
    """

    run: Callable[..., None]
    takes: tuple[str, ...]
    arguments: tuple[str, ...] = ()


DATA = ("backend", "data_dir", "download")
# Every command takes these.
TALK = ("verbose", "quiet")
MEASURED = ("keras_model", "data", "import")
COMMANDS = {
    "study": Command(study, (*flags.SETTINGS, *DATA, "plan", "strategy", "num_devices", "tpu", "output_dir", "resume")),
    "pool": Command(
        pool,
        (
            *flags.GROUPS["Pool"],
            *("model", "seed", "split_seed", "learning_rate", "batch_size", "max_epochs", "m", "num_batches"),
            *DATA,
            *("plan", "strategy", "num_devices", "tpu", "output_dir", "resume"),
        ),
    ),
    "sweep": Command(sweep, ("num_models", *flags.GROUPS["Sweep"], *DATA, "plan"), ("RUN",)),
    "splits": Command(
        splits,
        (
            *(name for name in flags.SETTINGS if name != "split_seed"),
            *flags.GROUPS["Splits"],
            *DATA,
            "plan",
            "output_dir",
        ),
    ),
    "ablation": Command(ablation, ("model", "num_models", "seed", *flags.GROUPS["Ablation"], *DATA, "output_dir")),
    "atlas": Command(
        atlas,
        (
            *flags.GROUPS["Atlas"],
            *("backend", "data_dir"),
            *("plan", "strategy", "num_devices", "tpu", "output_dir"),
        ),
    ),
    "measure": Command(measure, (*flags.OF_MEASURES, *MEASURED, "measure", "backend", "output_dir")),
    "report": Command(report, (), ("RUN",)),
    "compare": Command(compare, (*flags.GROUPS["Compare"], "output_dir"), ("RUNS",)),
    "benchmark": Command(benchmark, ("output_dir",)),
}


def choose(words: Sequence[str]) -> tuple[Callable[..., None], list[str]]:
    """Returns the function of a command, and its arguments.

    Args:
        words: What is left of the command line without its flags; nothing means `pool` with `--study` or `--vary`, and
            `study` without.

    Raises:
        InputError: If there is no such command, or its flags or arguments do not fit.
    """
    name, *arguments = words or ["pool" if {"study", "vary"} & {*flags.given()} else "study"]
    require(name in COMMANDS, f"the command must be one of {', '.join(COMMANDS)}", command=name)
    command = COMMANDS[name]
    fits = len(arguments) >= 1 if command.arguments == ("RUNS",) else len(arguments) == len(command.arguments)
    require(fits, f"`{name}` takes {' '.join(command.arguments) or 'no arguments'}", arguments=arguments)
    others = [f"--{flag}" for flag in flags.given() if flag not in (*command.takes, *TALK)]
    require(not others, f"`{name}` must be given flags that it takes (see --help)", others=", ".join(others))
    effects.require_effect()
    return command.run, arguments
