"""The commands that train or measure pools: what they call, and how a signal ends them."""

import os
import signal
from types import SimpleNamespace

import pytest

from keras_sharpness.cli import study_commands
from keras_sharpness.studies.run import Stopped
from tests.cli.in_process import command_line
from tests.support import atlas_tables


def test_a_signal_ends_the_program_with_its_number(caplog):
    with pytest.raises(SystemExit) as caught, study_commands._stoppable() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
        raise Stopped
    assert caught.value.code == 128 + signal.SIGTERM
    assert caplog.messages[-1] == "stopped; the same command continues from here"


def test_the_command_that_repeats_a_run_is_quoted(monkeypatch):
    monkeypatch.setattr("sys.argv", ["main.py", "--output_dir=my runs", "--rho=1"])
    assert study_commands._command_line() == "python main.py '--output_dir=my runs' --rho=1"


@pytest.fixture
def started(monkeypatch):
    """Keras is not started again; returns what the studies' functions are called with."""
    calls = {}
    monkeypatch.setattr("keras_sharpness.cli.start.start_keras", lambda in_threads: "devices")

    def make_study(*arguments):
        calls["make_study"] = arguments
        return SimpleNamespace(dataset=SimpleNamespace(source="here"))

    def run_study(*arguments, **options):
        calls["run_study"] = (*arguments, options)

    def run_sweep(*arguments):
        calls["run_sweep"] = arguments

    def run_ablation(*arguments):
        calls["run_ablation"] = arguments

    monkeypatch.setattr("keras_sharpness.studies.study.make_study", make_study)
    monkeypatch.setattr("keras_sharpness.studies.run.run_study", run_study)
    monkeypatch.setattr("keras_sharpness.studies.sweep.run_sweep", run_sweep)
    monkeypatch.setattr("keras_sharpness.studies.sweep.Sweep", lambda *arguments: arguments)
    monkeypatch.setattr("keras_sharpness.studies.released.ablation.run_ablation", run_ablation)
    monkeypatch.setattr("keras_sharpness.reporting.report.write_report", lambda folder: None)
    monkeypatch.setattr("keras_sharpness.reporting.ablation_page.write_ablation", lambda *arguments: None)
    return calls


def test_a_study_has_its_flags(started, tmp_path):
    given = ["--num_models=3", "--plan=sequential", f"--data_dir={tmp_path}", "--download", "--noresume"]
    command_line("study", *given, f"--output_dir={tmp_path / 'run'}")
    config, *others = started["make_study"]
    assert config.num_models == 3 and others == [str(tmp_path), True, "sequential", "devices"]
    assert started["run_study"][1] == tmp_path / "run" and started["run_study"][2]["resume"] is False


def test_a_sweep_takes_the_run_s_settings(started):
    command_line("sweep", "runs/paper/gat", "--rhos=0.1", "--ms=8", "--plan=sequential")
    (study, rhos, ms, plan), folder, num_models, _ = started["run_sweep"]
    assert (rhos, ms, plan, str(folder), num_models) == ([0.1], [8], "sequential", "runs/paper/gat", 50)
    command_line("sweep", "runs/paper/gat", "--num_models=7")
    assert started["run_sweep"][2] == 7


def test_splits_are_studies_of_their_own_seeds(started, monkeypatch, tmp_path):
    written = []
    monkeypatch.setattr("keras_sharpness.studies.splits.run_splits", lambda *arguments: written.append(arguments))
    monkeypatch.setattr(
        "keras_sharpness.reporting.splits_page.write_splits", lambda *arguments: written.append(arguments)
    )
    command_line("splits", "--split_seeds=2:4", "--seed=10", "--num_models=3", f"--output_dir={tmp_path}")
    (configs, folder, data_dir, download, plan, _), page = written
    assert [(config.split_seed, config.seed, config.num_models) for config in configs] == [(2, 12, 3), (3, 13, 3)]
    assert (folder, data_dir, download, plan) == (tmp_path, None, False, None) and page == (tmp_path, "fcnn")


def test_an_ablation_goes_from_the_released_code_to_the_paper(started, tmp_path):
    command_line("ablation", "--model=gat", "--num_models=3", f"--output_dir={tmp_path}", f"--data_dir={tmp_path}")
    way, folder, data_dir, download, _ = started["run_ablation"]
    assert [step.config.num_models for step in way] == [3] * len(way) and len(way) > 1
    assert (folder, data_dir, download) == (tmp_path, str(tmp_path), False)


def test_an_atlas_names_the_rows_without_a_table_and_writes_its_pages_once_there_are_enough(
    started, monkeypatch, tmp_path, caplog
):
    seen = {}
    monkeypatch.setattr(
        "keras_sharpness.studies.atlas.atlas_run.run_atlas",
        lambda rows, folder, data_dir, stop, **where: seen.update(rows=rows, where=where) or {"digits": "no such file"},
    )
    monkeypatch.setattr("keras_sharpness.reporting.atlas_page.write_atlas", lambda folder: folder / "report.md")
    atlas_tables.write(tmp_path, ["one", "two"])
    with caplog.at_level("INFO"):
        command_line("atlas", "--rows=digits,mnist1d-mixer", f"--output_dir={tmp_path}", "--plan=sequential")
    assert [row.name for row in seen["rows"]] == ["digits", "mnist1d-mixer"]
    assert seen["where"] == {"plan": "sequential", "distribution": "devices"}
    assert "digits has no table: no such file" in caplog.text and "no answer yet: it takes 5 data sets" in caplog.text
    atlas_tables.write(tmp_path)
    with caplog.at_level("INFO"):
        command_line("atlas", f"--output_dir={tmp_path}")
    assert f"atlas: {tmp_path / 'report.md'}" in caplog.text and len(seen["rows"]) > 40


def test_a_measure_is_scored_over_an_atlas(started, tmp_path, caplog):
    atlas_tables.write(tmp_path)
    (tmp_path / "mine.py").write_text("def column(models):\n    return models['param_norm']\n")
    with caplog.at_level("INFO"):
        command_line("atlas", f"--score={tmp_path / 'mine.py'}", f"--output_dir={tmp_path}")
    assert "mine, gap: psi 1.000 [0.999, 1.001] over 6 data sets" in caplog.text
