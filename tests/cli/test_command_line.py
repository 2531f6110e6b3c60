"""The program as a person runs it: a process, its output, its exit status and its files."""

import json

import pandas as pd
import pytest

from keras_sharpness.data import idx

needs_fashion_mnist = pytest.mark.skipif(not idx.DEBIAN.is_dir(), reason="FashionMNIST is not in /usr/share/datasets")
SMALL = ["--num_models=4", "--num_batches=3", "--m=16", "--max_epochs=2"]


def run(run_python, *arguments, **environment):
    return run_python("main.py", *arguments, **environment)


def assert_one_line_and_status_2(process, *words):
    assert process.returncode == 2
    (line,) = process.stderr.strip().splitlines()
    assert line.startswith("error: ")
    for word in words:
        assert word in line


@pytest.mark.parametrize("model", ["fcnn", "gat", pytest.param("lenet", marks=needs_fashion_mnist)])
def test_a_study_leaves_its_results(run_python, tmp_path, model):
    folder = tmp_path / "run"
    process = run(run_python, f"--model={model}", f"--output_dir={folder}", *SMALL, "--min_epochs=1", "--max_epochs=1")
    assert process.returncode == 0, process.stderr
    assert "tau = " in process.stderr
    assert "WARNING" not in process.stderr and "I0000" not in process.stderr
    assert len(process.stderr.strip().splitlines()) <= 8
    models = pd.read_csv(folder / "models.csv")
    columns = ["index", "seed", "epochs", "train_loss", "test_loss", "sharpness", "sharpness_standard_error"]
    assert set(columns) <= set(models.columns)
    assert list(models["index"]) == [0, 1, 2, 3]
    assert (models["sharpness"] > 0).all()
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["num_models"] == 4
    assert -1 <= summary["tau"] <= 1
    assert summary["tau_ci_low"] is None and summary["tau_ci_high"] is None  # Four models are too few.
    assert summary["seconds_training"] > 0 and summary["seconds_sharpness"] > 0
    config = json.loads((folder / "config.json").read_text())
    assert config["study"]["model"] == model
    assert config["backend"] == "tensorflow"
    assert config["devices"]
    assert f"{summary['tau']:.3f}" in (folder / "report.md").read_text()
    assert (folder / "scatter.png").stat().st_size > 10_000
    assert len(list((folder / "pool").glob("*.npz"))) == 4


def test_a_second_run_goes_on_where_the_first_ended(run_python, tmp_path):
    arguments = [f"--output_dir={tmp_path / 'run'}", *SMALL]
    run(run_python, *arguments)
    first = (tmp_path / "run" / "models.csv").read_bytes()
    for lost in ("pool/00001.npz", "sharpness/00001.npz", "sharpness/00002.npz", "models.csv"):
        (tmp_path / "run" / lost).unlink()
    process = run(run_python, *arguments)
    assert "3 of 4 models are already trained" in process.stderr
    assert "2 of 4 models are already measured" in process.stderr
    assert (tmp_path / "run" / "models.csv").read_bytes() == first


def test_other_settings_in_the_same_folder_are_refused_by_name(run_python, tmp_path):
    arguments = [f"--output_dir={tmp_path / 'run'}", *SMALL]
    run(run_python, *arguments)
    before = (tmp_path / "run" / "models.csv").read_bytes()
    process = run(run_python, *arguments, "--rho=0.5")
    assert_one_line_and_status_2(_last_line(process), "rho: 0.025 there, 0.5 now", "--noresume")
    assert (tmp_path / "run" / "models.csv").read_bytes() == before
    process = run(run_python, *arguments, "--rho=0.5", "--noresume")
    assert process.returncode == 0
    assert (tmp_path / "run" / "models.csv").read_bytes() != before


def test_report_is_written_again(run_python, tmp_path):
    run(run_python, f"--output_dir={tmp_path / 'run'}", *SMALL)
    (tmp_path / "run" / "report.md").unlink()
    assert run(run_python, "report", str(tmp_path / "run")).returncode == 0
    assert (tmp_path / "run" / "report.md").exists()


def test_runs_are_compared_with_the_published_points_without_a_backend(run_python, tmp_path):
    arguments = ["compare", "runs/paper/fcnn", "runs/paper/gat", f"--output_dir={tmp_path}"]
    process = run_python("-X", "importtime", "main.py", *arguments)
    assert process.returncode == 0, process.stderr
    lines = process.stderr.splitlines()
    imported = {line.split("|")[-1].strip().split(".")[0] for line in lines if line.startswith("import time:")}
    assert "scipy" in imported and not imported & {"keras", "tensorflow", "jax", "torch"}
    said = [line for line in lines if not line.startswith("import time:")]
    assert "The sign holds: published (Fig. 1) has tau = -0.324" in said[0] and said[1].startswith("gat, paper/gat:")
    assert said[2] == f"comparison: {tmp_path / 'compare.md'}"
    names = {"compare.md", "compare.csv", "compare.png", "compare_fcnn.png", "compare_gat.png"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_a_flag_file_gives_the_flags(run_python, tmp_path):
    flagfile = tmp_path / "study.flags"
    flagfile.write_text("\n".join(["# a comment", f"--output_dir={tmp_path / 'run'}", *SMALL]))
    assert run(run_python, f"--flagfile={flagfile}").returncode == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["study"]["num_models"] == 4


def test_the_module_is_the_program(run_python):
    process = run_python("-m", "keras_sharpness", "--rho=-1")
    assert_one_line_and_status_2(process, "`rho` must be finite and non-negative. Received: rho=-1.0")


@pytest.mark.parametrize("flag", ["--help", "-h", "--helpfull"])
def test_help_reads_well(run_python, flag):
    process = run(run_python, flag)
    assert process.returncode == 0
    for word in ("<fcnn|lenet|gat>: Network", "--rho ", "0.0001 (lenet)", "report RUN", "--[no]resume", "Default: 50."):
        assert word in process.stdout
    assert max(map(len, process.stdout.splitlines())) <= 120
    assert "--logtostderr" not in process.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model=resnet"], ["model", "resnet", "fcnn|lenet|gat"]),
        (["--rho=-0.1"], ["`rho` must be finite and non-negative", "-0.1"]),
        (["--rho=nan"], ["`rho` must be finite and non-negative", "nan"]),
        (["--rho=much"], ["rho", "much"]),
        (["--num_models=0"], ["num_models", "0"]),
        (["--num_models=2.5"], ["num_models", "2.5"]),
        (["--learning_rate=0"], ["`learning_rate` must be finite and positive"]),
        (["--m=0"], ["m", "0"]),
        (["--seed=-1"], ["seed", "-1"]),
        (["--step_size=inf"], ["`step_size` must be finite and positive"]),
        (["--step_size=auto"], ["`step_size` must be finite and positive", "auto"]),
        (["--step_size=large"], ["step_size", "large"]),
        (["--no_such_flag=1"], ["no_such_flag"]),
        (["--flagfile=/no/such/file"], ["/no/such/file"]),
        (["sweep", "runs/paper/fcnn", "--rho=0.1"], ["`sweep` must be given flags that it takes", "--rho"]),
        (["ablation", "--learning_rate=0.1", "--m=8"], ["`ablation` must be given", "--learning_rate, --m"]),
        (
            ["frobnicate"],
            [
                "must be one of study, pool, sweep, splits, ablation, atlas, measure, report, compare, benchmark",
                "frobnicate",
            ],
        ),
        (["report"], ["`report` takes RUN"]),
        (["report", "/no/such/run"], ["/no/such/run"]),
        (["compare"], ["`compare` takes RUNS"]),
        (["compare", "/no/such/run"], ["RUN must be the folder of a run or a CSV file", "/no/such/run"]),
        (["--data_dir=/no/such/folder"], ["/no/such/folder"]),
        (["--backend=theano"], ["backend", "theano"]),
    ],
)
def test_bad_input_is_one_line_and_status_2(run_python, tmp_path, arguments, words):
    output = tmp_path / "run"
    folder = [] if arguments[0] in {"report", "sweep"} else [f"--output_dir={output}"]
    process = run(run_python, *folder, *arguments)
    assert_one_line_and_status_2(process, *words)
    assert not output.exists()


def test_an_empty_pool_has_no_report(run_python, tmp_path):
    (tmp_path / "models.csv").write_text("index,seed,epochs,train_loss,test_loss,sharpness,sharpness_standard_error\n")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "summary.json").write_text("{}")
    process = run(run_python, "report", str(tmp_path))
    assert_one_line_and_status_2(process)
    assert not (tmp_path / "report.md").exists()


def test_an_unknown_keras_backend_in_the_environment_is_one_line(run_python, tmp_path):
    process = run(run_python, f"--output_dir={tmp_path / 'run'}", KERAS_BACKEND="theano")
    assert_one_line_and_status_2(process, "theano")


def _last_line(process):
    process.stderr = process.stderr.strip().splitlines()[-1]
    return process
