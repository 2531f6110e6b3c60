import json

import pytest

from keras_sharpness.cli import reporter
from keras_sharpness.errors import InputError
from tests.reporting.fake_run import CONFIG, make_models, make_summary


def write_run(folder):
    models = make_models()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "summary.json").write_text(json.dumps(make_summary(models)))
    models.to_csv(folder / "models.csv", index=False)


def test_the_other_process_writes_the_report(tmp_path, monkeypatch):
    monkeypatch.setattr(reporter, "report", lambda folder: pytest.fail("written in this process"))
    write_run(tmp_path)
    with reporter.Reporter() as process:
        found = process.write(tmp_path)
    assert found.startswith("tau = ")
    assert {path.name for path in tmp_path.iterdir()} >= {"report.md", "report.html", "scatter.png"}


def test_this_process_writes_it_if_the_other_has_died(tmp_path):
    write_run(tmp_path)
    with reporter.Reporter() as process:
        process._process.kill()
        assert process.write(tmp_path).startswith("tau = ")
    assert (tmp_path / "report.md").exists()


def test_errors_are_those_of_the_report(tmp_path):
    with reporter.Reporter() as process, pytest.raises(InputError, match=r"config\.json"):
        process.write(tmp_path)


def test_a_process_that_is_not_needed_ends():
    with reporter.Reporter() as process:
        pass
    assert process._process.poll() is not None
