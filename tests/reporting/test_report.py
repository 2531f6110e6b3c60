"""A run's folder becomes a report."""

import copy
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from keras_sharpness.errors import InputError
from keras_sharpness.reporting.report import write_report
from keras_sharpness.statistics import conditional_kendall, kendall
from tests.reporting.fake_run import ABLATION_CSV, CONFIG, SWEEP_CSV, make_models

FILES = {"config.json", "models.csv", "summary.json"}


def row(text, name):
    """Cells of the table row of this name."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_numbers_are_those_of_the_run_and_of_the_paper(make_run):
    folder = make_run(tau=-0.2345, tau_ci_low=-0.4, tau_ci_high=-0.05, p_value=0.0123)
    text = write_report(folder).read_text()
    assert row(text, "Kendall's tau") == ["-0.234", "-0.185"]
    assert row(text, "95 % interval") == ["[-0.400, -0.050]", "not given"]
    assert row(text, "p-value") == ["0.012", "0.058"]
    assert row(text, "models") == ["50", "50"]
    assert row(text, "rho") == ["0.02", "0.02"]
    assert "# GAT on Cora" in text
    assert "standard deviation of 0.10" in text


def test_quantiles(make_run):
    models = make_models()
    text = write_report(make_run(models=models)).read_text()
    for column, name in (("sharpness", "sharpness"), ("test_loss", "test loss"), ("epochs", "epochs")):
        expected = models[column].quantile([0, 0.25, 0.5, 0.75, 1])
        assert row(text, name) == [f"{value:.4g}" for value in expected]
    assert row(text, "test error")


def test_settings_times_and_command(make_run):
    config = copy.deepcopy(CONFIG)
    config["sharpness"]["new_setting"] = {"deep": "a|b"}
    text = write_report(make_run(config=config, tau_partial=0.125)).read_text()
    assert row(text, "sharpness.maximizer.step_size") == ["0.236"]
    assert row(text, "devices") == ["cpu:0, cpu:1"]
    assert row(text, "versions.torch") == ["null"]
    assert "| sharpness.new_setting.deep | a\\|b |" in text
    assert row(text, "training") == ["12.5 s"]
    assert row(text, "tau_partial") == ["0.125"]
    assert "```sh\npython main.py --model=gat --seed=7\n```" in text


def test_picture_is_whole_and_of_the_right_size(make_run):
    folder = make_run()
    write_report(folder)
    with Image.open(folder / "scatter.png") as image:
        image.load()
        assert (image.format, image.size) == ("PNG", (1200, 800))
        assert len(set(image.convert("RGB").resize((120, 80)).get_flattened_data())) > 10


def test_nothing_but_the_three_files_is_added_and_a_second_time_changes_nothing(make_run):
    folder = make_run()
    write_report(folder)
    assert names(folder) == FILES | {"scatter.png", "report.html", "report.md"}
    before = [(folder / name).read_text() for name in ("report.md", "report.html")]
    write_report(str(folder))
    assert [(folder / name).read_text() for name in ("report.md", "report.html")] == before


def test_diverged_models_are_counted_and_left_out(make_run):
    models = make_models()
    models.loc[3, "test_loss"] = np.nan
    models.loc[4, "sharpness"] = np.inf
    text = write_report(make_run(models=models)).read_text()
    assert "2 models with a non-finite loss or sharpness are left out" in text
    assert row(text, "models") == ["48", "50"]
    assert "inf" not in row(text, "sharpness")


def test_undefined_tau_is_said(make_run):
    folder = make_run(models=make_models(3), tau=None, p_value=None, tau_ci_low=None, tau_ci_high=None)
    text = write_report(folder).read_text()
    assert "undefined" in text.splitlines()[2]
    assert row(text, "Kendall's tau") == ["undefined", "-0.185"]
    assert (folder / "scatter.png").exists()


def test_a_pool_too_small_for_an_interval_has_a_tau(make_run):
    folder = make_run(tau=-0.3, p_value=0.2, tau_ci_low=None, tau_ci_high=None, num_models=10)
    make_models(10).to_csv(folder / "models.csv", index=False)
    text = write_report(folder).read_text()
    assert "tau = -0.300. 10 models are too few for an interval." in text.splitlines()[2]
    assert row(text, "95 % interval")[0] == "no interval"
    assert "[nan" not in text
    assert not re.search(r"[:,\[] ?NaN", (folder / "report.html").read_text())


def test_half_an_interval_is_refused(make_run):
    with pytest.raises(InputError, match="`tau_ci_low`.*must be a number"):
        write_report(make_run(tau_ci_low=None))


def test_pool_in_which_every_model_diverged(make_run):
    folder = make_run()
    models = make_models(4).assign(sharpness=np.nan)
    models.to_csv(folder / "models.csv", index=False)
    summary = dict.fromkeys(("tau", "p_value", "tau_ci_low", "tau_ci_high")) | {"num_models": 0, "num_diverged": 4}
    (folder / "summary.json").write_text(json.dumps(summary))
    assert "4 models" in write_report(folder).read_text()


def test_model_that_the_paper_does_not_have(make_run):
    text = write_report(make_run(config={"study": {"model": "mlp", "rho": 0.1}})).read_text()
    assert text.startswith("# mlp:")
    assert len(row(text, "Kendall's tau")) == 1
    assert "paper" not in text


def test_regression_without_error_rates(make_run):
    models = make_models().drop(columns=["train_error", "test_error"])
    text = write_report(make_run(config=CONFIG | {"model": "fcnn"}, models=models)).read_text()
    assert "test error" not in text
    assert row(text, "Kendall's tau")[1] == "-0.311"


def test_sweep_and_ablation_are_tables(make_run):
    folder = make_run()
    (folder / "sweep.csv").write_text(SWEEP_CSV)
    (folder / "ablation.csv").write_text(ABLATION_CSV)
    text = write_report(folder).read_text()
    assert "| 0.02 | full | 0.04 | 0.250 | [-0.125, 0.500] | 50 |" in text
    assert "| 1 | dropout | None | 0.6 |" in text
    assert "| 1 | dropout | 0.02 | 0.03 | 1.5 | -0.250 | [-0.500, 0.125] | 50 |" in text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("sweep.csv", "rho,m\n1,2\n", "sweep.csv must have the columns"),
        ("sweep.csv", SWEEP_CSV.replace("0.02,full", "0,full"), "must hold finite and positive `rho`"),
        ("ablation.csv", ABLATION_CSV.replace("-0.25", "low"), r"not_numbers=\['tau'\]"),
    ],
)
def test_damaged_sweep_or_ablation_is_named(make_run, name, content, message):
    folder = make_run()
    (folder / name).write_text(content)
    with pytest.raises(InputError, match=message):
        write_report(folder)
    assert names(folder) == FILES | {name}


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("content", [None, "", "{\n", "[1]\n\n2,3"])
def test_missing_or_damaged_file_is_named_and_nothing_written(make_run, name, content):
    folder = make_run()
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    before = names(folder)
    with pytest.raises(InputError, match=name) as caught:
        write_report(folder)
    assert "\n" not in str(caught.value)
    assert names(folder) == before


def test_binary_files_are_damaged_files(make_run):
    for name in FILES:
        folder = make_run()
        (folder / name).write_bytes(b"\xff\xfe\x00\x80")
        with pytest.raises(InputError, match=name):
            write_report(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"summary.json": '{"tau": 1}'}, "must hold `num_models`"),
        ({"config.json": '{"rho": 1}'}, "must name the `model`"),
        ({"config.json": '{"model": "gat"}'}, "must hold `rho`"),
        ({"models.csv": "index,sharpness\n0,1\n"}, "missing=.*'test_loss'"),
        ({"models.csv": "epochs,train_loss,test_loss,sharpness,sharpness_standard_error\n"}, "at least one row"),
        (
            {"models.csv": "epochs,train_loss,test_loss,sharpness,sharpness_standard_error\n1,2,x,3,4\n"},
            r"not_numbers=\['test_loss'\]",
        ),
    ],
)
def test_file_that_lacks_something(make_run, change, message):
    folder = make_run()
    for name, content in change.items():
        (folder / name).write_text(content)
    with pytest.raises(InputError, match=message):
        write_report(folder)


def test_tau_of_a_wrong_type(make_run):
    with pytest.raises(InputError, match="`tau` in .*summary.json must be a number from -1 to 1"):
        write_report(make_run(tau="high"))


def test_old_report_survives_a_failure(make_run, monkeypatch):
    folder = make_run()
    write_report(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_report(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_needs_no_backend():
    backends = {"keras", "tensorflow", "jax", "torch"}
    code = f"import sys, keras_sharpness.reporting.report; print({backends} & set(sys.modules))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "set()"


def test_tau_stands_beside_that_of_other_quantities(make_run):
    models = make_models()
    text = write_report(make_run(models=models)).read_text()
    gap = kendall(models["sharpness"], models["test_loss"] - models["train_loss"])
    given = conditional_kendall(models["sharpness"], models["test_loss"], [models["train_loss"]])
    for name, found in (
        ("generalization gap (test minus training loss)", gap),
        ("test loss, given training loss", given),
    ):
        assert row(text, name) == [f"{found.tau:.3f}", f"[{found.ci_low:.3f}, {found.ci_high:.3f}]"]
