"""Runs and other people's tables beside each other and beside the published points."""

import copy
import dataclasses
import io
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keras_sharpness.errors import InputError
from keras_sharpness.reporting.compare import write_comparison
from keras_sharpness.reporting.comparison_figure import comparison
from keras_sharpness.reporting.drawing import REFERENCE_COLOUR
from keras_sharpness.reporting.published import published_points
from keras_sharpness.reporting.sources import PUBLISHED_SOURCE, read_groups
from keras_sharpness.reporting.tau_figure import forest
from keras_sharpness.statistics import compare_taus, kendall
from tests.reporting.fake_run import make_models

SETTINGS = {"model": "gat", "protocol": "paper", "rho": 0.02, "schedule": {"learning_rate": 0.236}}


@pytest.fixture
def make_gat(make_run, tmp_path):
    """Writes a run of a name and returns its path."""

    def make(name="ours", models=None, data="Cora", **settings):
        path = tmp_path / "runs" / name
        path.mkdir(parents=True)
        config = {"study": copy.deepcopy(SETTINGS) | settings, "data": data, "command": f"make {name}"}
        folder = make_run(config=config, models=models)
        for file in ("config.json", "models.csv", "summary.json"):
            shutil.move(folder / file, path)
        return str(path)

    return make


@pytest.fixture
def make_csv(tmp_path):
    def make(name, table):
        path = tmp_path / name
        path.write_text(table) if isinstance(table, str) else table.to_csv(path, index=False)
        return str(path)

    return make


def cloud(num_models, level=0.5, seed=0, sign=1.0):
    x, noise = np.random.default_rng(seed).normal(size=(2, num_models))
    return pd.DataFrame({"sharpness": level * np.exp(0.1 * x), "test_loss": 1.6 + 0.05 * (sign * x + noise)})


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
    how = [f"{r.difference:.3f}", f"[{r.ci_low:.3f}, {r.ci_high:.3f}]", f"{r.p_value:.2g}"]
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


@pytest.mark.parametrize(
    ("sign", "reference", "words"),
    [
        (1, cloud(100, seed=1), ["higher test loss", "The sign holds", "do not clearly differ"]),
        (-1, cloud(100, seed=1), ["lower test loss", "The sign is reversed", "The taus differ"]),
        (0, cloud(100, seed=1), ["No clear relation", "Whether the sign holds is open", "The taus differ"]),
        (1, cloud(100, sign=0), ["The sign", "an interval that includes 0", "The taus differ"]),
        (1, cloud(3, sign=30), ["The sign holds", "too small to tell"]),
    ],
)
def test_verdicts(make_csv, tmp_path, sign, reference, words):
    runs = [make_csv("ours.csv", cloud(100, sign=sign))]
    (line,), text, _ = compare(runs, tmp_path / "out", make_csv("theirs.csv", reference))
    assert all(word in line for word in words), line
    assert "nan" not in text


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


def test_a_table_must_say_which_of_several_models_it_is_about(make_csv, tmp_path):
    with pytest.raises(InputError, match=r"must have a column `model` .*fcnn, lenet, gat.*ours.csv"):
        write_comparison([make_csv("ours.csv", cloud(20))], "published", tmp_path / "out")


def test_sources_that_are_missing_or_named_twice(make_gat, tmp_path):
    run = make_gat()
    with pytest.raises(InputError, match="RUN must be the folder of a run or a CSV file.*no_such"):
        write_comparison([str(tmp_path / "no_such")], "published", tmp_path / "out")
    with pytest.raises(InputError, match="RUN must be .*theirs.csv"):
        write_comparison([run], "theirs.csv", tmp_path / "out")
    with pytest.raises(InputError, match="each RUN must be given once"):
        write_comparison([run, f"{run}/"], "published", tmp_path / "out")


def test_sources_of_one_name_are_told_apart(make_gat):
    runs = [make_gat("a/x/gat"), make_gat("b/x/gat")]
    assert [pool.source for pool in read_groups(runs, "none")["gat"]] == ["a/x/gat", "b/x/gat"]


def draw(make_csv, *tables):
    runs = [make_csv(f"{index}.csv", table) for index, table in enumerate(tables)]
    pools = read_groups(runs[:-1], runs[-1])["models"]
    figure = comparison(pools, title="GAT", loss_name="cross-entropy")
    figure.savefig(io.BytesIO(), format="png")
    return figure


def test_the_reference_lies_open_on_top_of_a_faded_crowd(make_csv):
    figure = draw(make_csv, cloud(50), cloud(5000, seed=1), cloud(60, seed=2))
    for axes in figure.axes:
        assert [len(points.get_offsets()) for points in axes.collections[:3]] == [5000, 50, 60]
        crowd, few, reference = axes.collections[:3]
        assert crowd.get_alpha() < few.get_alpha()
        assert not len(reference.get_facecolor())
    np.testing.assert_allclose(figure.axes[0].collections[2].get_offsets()[:, 0], cloud(60, seed=2)["sharpness"])
    assert [text.get_text().split(":")[0].split("/")[-1] for text in figure.legends[0].get_texts()] == [
        "0.csv",
        "1.csv",
        "2.csv",
    ]
    assert "5000 models" in figure.legends[0].get_texts()[1].get_text()


def test_taus_and_their_intervals_are_drawn_in_the_order_of_the_names(make_csv):
    falling, rising = (
        read_groups([make_csv(f"{sign}.csv", cloud(50, sign=sign))], "none")["models"] for sign in (-1, 1)
    )
    figure = forest({"A": falling, "B": [*rising, dataclasses.replace(rising[0], is_reference=True)]})
    (axes,) = figure.axes
    assert [label.get_text().split("/")[-1] for label in axes.get_yticklabels()] == [
        "A",
        "-1.csv",
        "B",
        "1.csv",
        "1.csv",
    ]
    bars, dots = axes.lines[:-1:2], axes.lines[1:-1:2]
    for place, pool, bar, dot in zip((1, 3, 4), (*falling, *rising, *rising), bars, dots, strict=True):
        assert (*dot.get_xdata(), *dot.get_ydata()) == (pool.kendall.tau, place)
        assert [*bar.get_xdata()] == [pool.kendall.ci_low, pool.kendall.ci_high]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, False, True]
    assert axes.yaxis_inverted()


def test_names_say_which_procedure_a_run_follows(make_gat, make_csv):
    part = make_gat("part", protocol="released", as_in_paper=["ascent"])
    runs = [make_gat("text"), make_gat("code", protocol="released", as_in_paper=[]), part, make_csv("a.csv", cloud(9))]
    labels = forest({"GAT": read_groups(runs, "published")["gat"]}).axes[0].get_yticklabels()
    assert [label.get_text().split("/")[-1] for label in labels] == [
        "GAT",
        "text, the paper's text",
        "code, the released code",
        "part, the released code in part",
        "a.csv",
        PUBLISHED_SOURCE,
    ]


def test_axes_are_logarithmic_where_levels_differ_by_magnitudes(make_csv):
    assert draw(make_csv, cloud(50), cloud(50, 0.7)).axes[0].get_xscale() == "linear"
    assert draw(make_csv, cloud(5000), cloud(50, 0.001)).axes[0].get_xscale() == "log"
    below_zero = cloud(50).assign(sharpness=lambda table: table["sharpness"] - 0.5)
    figure = draw(make_csv, cloud(50, 500), below_zero)
    assert [axes.get_xscale() for axes in figure.axes] == ["linear", "linear"]


def test_lines_through_the_ranks_have_the_sign_of_tau(make_csv):
    rising, falling = draw(make_csv, cloud(50), cloud(50, sign=-1)).axes[1].lines
    assert np.ptp(rising.get_ydata()) > 0 and rising.get_ydata()[1] > rising.get_ydata()[0]
    assert falling.get_ydata()[1] < falling.get_ydata()[0]
    assert falling.get_color() == REFERENCE_COLOUR
