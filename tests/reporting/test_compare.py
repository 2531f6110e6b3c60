"""Runs and other people's tables beside each other and beside the published points."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keras_sharpness.errors import InputError
from keras_sharpness.reporting.compare import write_comparison
from keras_sharpness.reporting.published import published_points
from keras_sharpness.reporting.sources import PUBLISHED_SOURCE
from keras_sharpness.statistics import compare_taus, kendall
from tests.reporting.fake_run import cloud, make_models


def compare(runs, output, reference="published"):
    lines = write_comparison(runs, reference, output)
    return lines, (output / "compare.md").read_text(), pd.read_csv(output / "compare.csv")


def cells(text, start):
    line = next(line for line in text.splitlines() if line.startswith(f"| {start} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_numbers_are_those_of_the_pools(make_gat, tmp_path):
    models = make_models()
    (line,), text, rows = compare([make_gat(models=models)], tmp_path / "out")
    theirs = published_points().query("model == 'gat'")
    ours, paper = (kendall(p["sharpness"], p["test_loss"]) for p in (models, theirs))
    assert list(rows["source"]) == ["runs/ours", PUBLISHED_SOURCE]
    assert list(rows["model"]) == ["gat", "gat"]
    for column in ("tau", "p_value", "num_models"):
        assert list(rows[column]) == pytest.approx([getattr(ours, column), getattr(paper, column)])
    assert list(rows["tau_ci_low"]) == pytest.approx([ours.ci_low, paper.ci_low])
    assert list(rows["sharpness_median"]) == pytest.approx([models["sharpness"].median(), theirs["sharpness"].median()])
    assert list(rows["test_loss_max"]) == pytest.approx([models["test_loss"].max(), theirs["test_loss"].max()])
    r = compare_taus(*((p["sharpness"], p["test_loss"]) for p in (models, theirs)))
    how = [f"{r.difference:.3f}", f"[{r.ci_low:.3f}, {r.ci_high:.3f}]", f"{r.p_value:.2g}", "independent pools"]
    assert cells(text, f"runs/ours minus {PUBLISHED_SOURCE}")[1:] == how
    assert how[1] in line and f"**{line.removeprefix('gat, ')}**" in text
    assert "prints tau = -0.185 (p = 0.058)" in text


def test_only_settings_that_differ_are_listed(make_gat, tmp_path):
    released = {"protocol": "released", "schedule": {"learning_rate": 0.3}, "only_here": 1}
    runs = [make_gat("a"), make_gat("b", data="other split", **released)]
    _, text, _ = compare(runs, tmp_path / "out")
    assert cells(text, "protocol") == ["protocol", "paper", "released", "paper"]
    assert cells(text, "learning_rate")[1:] == ["0.236", "0.3", "0.236"]
    assert cells(text, "data")[1:] == ["Cora", "other split", ""]
    for same in ("rho", "only_here", "command", "model"):
        assert f"| {same} |" not in text


def test_the_paper_has_the_settings_that_it_states_and_no_others(make_gat, tmp_path):
    _, text, _ = compare([make_gat(seed=5)], tmp_path / "out")
    assert "No known setting differs" in text


def test_tables_of_others_are_read(make_gat, make_csv, tmp_path):
    several = pd.concat([cloud(20).assign(model="gat"), cloud(30).assign(model="fcnn")]).assign(note="hello")
    _, _, rows = compare([make_csv("several.csv", several)], tmp_path / "out")
    assert list(rows["num_models"]) == [20, 50, 30, 50]
    runs = [make_gat(), make_csv("unnamed.csv", cloud(25))]
    _, _, rows = compare(runs, tmp_path / "out")
    assert list(rows["num_models"]) == [50, 25, 50]
    _, _, rows = compare(runs[1:], tmp_path / "out", runs[0])
    assert list(rows["model"]) == ["gat", "gat"]
    lines, text, rows = compare(runs[1:], tmp_path / "out", "none")
    assert list(rows["model"]) == ["models"]
    assert "published" not in text and len(lines) == 1


def test_diverged_models_of_a_run_are_left_out(make_gat, tmp_path):
    models = make_models()
    models.loc[3, "test_loss"] = np.nan
    _, _, rows = compare([make_gat(models=models)], tmp_path / "out")
    assert list(rows["num_models"]) == [49, 50]


def test_the_files_are_whole_and_nothing_else_is_left(make_gat, tmp_path):
    compare([make_gat()], tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("compare.md", "compare.csv", "compare.png", "compare_gat.png")
    }
    for name, size in (("compare.png", (2200, 452)), ("compare_gat.png", (2200, 1120))):
        with Image.open(tmp_path / "out" / name) as image:
            image.load()
            assert image.size == size


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("sharpness,test_loss\na,1\nb,2\nc,3\n", r"bad.csv must hold numbers.*\['sharpness'\]"),
        ("sharpness,test_loss\n1,1\n2,\n3,3\n", "bad.csv: `test_loss` must be finite.*nan"),
        ("sharpness,test_loss\n1,1\n2,inf\n3,3\n", "bad.csv: `test_loss` must be finite.*inf"),
        ("sharpness,test_loss\n1,1\n2,2\n", "bad.csv: .* at least 3 models"),
        ("sharpness,test_loss\n1,1\n1,2\n1,3\n", "bad.csv: `sharpness` must not be the same"),
        ("sharpness,loss\n1,1\n", r"bad.csv must have the columns.*\['test_loss'\]"),
        ("sharpness,test_loss\n", "bad.csv must have at least one row"),
        ("", "bad.csv must be a CSV table"),
        ("model,sharpness,test_loss\nmlp,1,1\nmlp,2,3\nmlp,3,2\n", "--with=published must have the model: .*'mlp'"),
        ("model,sharpness,test_loss\n../x,1,1\n../x,2,3\n../x,3,2\n", "`model` must be letters"),
        ("model,sharpness,test_loss\ngat,1,1\n,2,3\ngat,3,2\n", "must name the `model` in each row"),
    ],
)
def test_bad_tables_are_refused_in_a_line_and_nothing_is_written(make_gat, make_csv, tmp_path, table, message):
    with pytest.raises(InputError, match=message) as caught:
        write_comparison([make_csv("bad.csv", table), make_gat()], "published", tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
