"""The commands that train or measure pools: `study`, `pool`, `sweep`, `splits`, `ablation` and `atlas`."""

import contextlib
import logging
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from keras_sharpness.cli import flags, signals, start
from keras_sharpness.cli.reporter import Reporter
from keras_sharpness.errors import require
from keras_sharpness.files.writable import require_writable
from keras_sharpness.studies.config import StudyConfig, make_config, released_config, studies_of_splits
from keras_sharpness.studies.folder import config_of

log = logging.getLogger(__name__)


def study() -> None:
    """Runs a whole study and writes its report."""
    config = make_config(**flags.study_settings())
    folder = start.output_dir(Path("runs", flags.run_name()))
    with Reporter() as reporter:
        _study(config, folder, reporter)


def _study(config: StudyConfig, folder: Path, reporter: Reporter) -> None:
    # The members of a pool run in threads, one core each.
    distribution = start.start_keras(in_threads=True)
    from keras_sharpness.studies.run import run_study
    from keras_sharpness.studies.study import make_study

    study = make_study(config, *_data(), flags.FLAGS.plan, distribution)
    log.info("%s, %s protocol, %d models, in %s", config.model, config.protocol, config.num_models, folder)
    log.info("data: %s", study.dataset.source)
    with _stoppable() as stop:
        summary = run_study(study, folder, resume=flags.FLAGS.resume, command=_command_line(), stop=stop)
    if summary:
        log.info(reporter.write(folder))
        log.info("report: %s", folder / "report.md")


def pool() -> None:
    """Trains a pool over hyper-parameters, measures it, ranks the measures, and writes its report."""
    given = flags.FLAGS
    require(bool(given.study or given.vary), "`pool` must be given --study=FILE or --vary=NAME:V1,V2,...")
    space = flags.space() if given.vary else {}
    name = Path(given.study).stem if given.study else "-".join([given.model, *given.vary])
    folder = start.output_dir(Path("runs", "hyper", name))
    distribution = start.start_keras(in_threads=True)
    from keras_sharpness.reporting.pool_report import write_pool_report
    from keras_sharpness.studies.pool_file import file_study
    from keras_sharpness.studies.pool_study import run_pool_study
    from keras_sharpness.studies.pool_systems import system_study

    options: dict[str, Any] = {"sample": {"m": given.m, "num_batches": given.num_batches}}
    if given.measures:
        options["measures"] = given.measures[0] if given.measures in (["all"], ["cheap"]) else given.measures
    if given.study:
        work = file_study(given.study, flags.training(), **options)
    else:
        data = {"data_dir": given.data_dir, "download": given.download, "split_seed": given.split_seed}
        work = system_study(given.model, space, training=flags.training(), num_train=given.num_train, **data, **options)
    log.info("pool over %s, in %s", ", ".join(_names(work.space)), folder)
    with _stoppable() as stop:
        where = {"plan": given.plan, "distribution": distribution}
        ranking = run_pool_study(work, folder, resume=given.resume, command=_command_line(), stop=stop, **where)
    if ranking is None:
        log.warning("too few settings to rank measures over; models: %s", folder / "models.csv")
        return
    log.info("report: %s", write_pool_report(folder))


def _names(space: Any) -> list[str]:
    return [*(space if isinstance(space, dict) else space[0])]


def sweep(run: str) -> None:
    """Measures a run's models for many radii and batch sizes, and writes its report again.

    Args:
        run: The run's folder.
    """
    folder, given = Path(run), flags.FLAGS
    require_writable(folder)
    config = config_of(folder)
    num_models = given.num_models if given["num_models"].present else config.num_models
    rhos, ms = flags.sweep_sizes(config.rho)
    start.start_keras(in_threads=True)
    from keras_sharpness.reporting.report import write_report
    from keras_sharpness.studies.study import make_study
    from keras_sharpness.studies.sweep import Sweep, run_sweep

    work = Sweep(make_study(config, *_data(), given.plan), rhos, ms, given.plan)
    with _stoppable() as stop:
        run_sweep(work, folder, num_models, stop)
    write_report(folder)
    log.info("sweep: %s", folder / "sweep.csv")


def splits() -> None:
    """Repeats a study on many splits of its data, and combines their taus."""
    settings, seeds = flags.study_settings(), flags.split_seeds()
    settings.pop("split_seed")
    configs = [*studies_of_splits(seeds, **settings)]
    folder = start.output_dir(Path("runs", "splits", flags.run_name()))
    start.start_keras(in_threads=True)
    from keras_sharpness.reporting.splits_page import write_splits
    from keras_sharpness.studies.splits import run_splits

    with _stoppable() as stop:
        run_splits(configs, folder, *_data(), flags.FLAGS.plan, stop)
    write_splits(folder, flags.FLAGS.model)
    log.info("splits: %s", folder / "splits.md")


def ablation() -> None:
    """Goes from the released code's procedure to the paper's, or back, one particular at a time."""
    given = flags.FLAGS
    settings: dict[str, Any] = {"model": given.model, "num_models": given.num_models, "seed": given.seed}
    released_config(**settings)
    suffix = "" if given.order == "to_paper" else f"-{given.order}"
    folder = start.output_dir(Path("runs", "ablation", given.model + suffix))
    start.start_keras(in_threads=True)
    from keras_sharpness.reporting.ablation_page import write_ablation
    from keras_sharpness.studies.released.ablation import run_ablation, steps

    with _stoppable() as stop:
        run_ablation([*steps(order=given.order, **settings)], folder, *_data(), stop)
    write_ablation(folder, given.model)
    log.info("ablation: %s", folder / "ablation.md")


def atlas() -> None:
    """Trains and measures pools on many data sets, and asks of all together which measure ranks generalization."""
    given = flags.FLAGS
    folder = start.output_dir(Path("runs", "atlas"))
    if given.score:
        _score(given.score, folder)
        return
    distribution = start.start_keras(in_threads=True)
    from keras_sharpness.reporting.atlas_page import write_atlas
    from keras_sharpness.studies.atlas.answer import LEAST_ROWS, write_answer
    from keras_sharpness.studies.atlas.atlas_run import run_atlas
    from keras_sharpness.studies.atlas.rows import rows

    with _stoppable() as stop:
        where = {"plan": given.plan, "distribution": distribution}
        reasons = run_atlas(rows(given.rows), folder, given.data_dir, stop, **where)
    for name, reason in reasons.items():
        log.warning("%s has no table: %s", name, reason)
    if write_answer(folder).empty:
        log.warning("no answer yet: it takes %d data sets; their tables are in %s", LEAST_ROWS, folder)
        return
    log.info("atlas: %s", write_atlas(folder))


def _score(path: str, folder: Path) -> None:
    start.start_keras(in_threads=True)
    from keras_sharpness.studies.atlas.entry import read_entry, score

    entry = read_entry(path)
    found = score(entry, folder, flags.FLAGS.data_dir)
    for row in found[(found["group"] == "all") & (found["criterion"] == "psi")].to_dict("records"):
        ends = f"[{row['low']:.3f}, {row['high']:.3f}]"
        log.info("%s, %s: psi %.3f %s over %d data sets", entry.name, row["target"], row["mean"], ends, row["rows"])
    log.info("all criteria: %s", folder / "entries" / entry.name / "answer.csv")


def _data() -> tuple[str | None, bool]:
    return flags.FLAGS.data_dir, flags.FLAGS.download


def _command_line() -> str:
    return shlex.join(["python", "main.py", *sys.argv[1:]])


@contextlib.contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Ends the block's work, and then the program, once the models in progress are done after a signal.

    Yields:
        A function that returns whether a signal has come.
    """
    from keras_sharpness.studies.run import Stopped

    with signals.graceful() as came:
        try:
            yield lambda: bool(came())
        except Stopped:
            log.warning("stopped; the same command continues from here")
            sys.exit(128 + (came() or signal.SIGTERM))
