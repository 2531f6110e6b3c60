"""The page that a run's folder becomes: what it holds, and what it cannot do."""

import base64
import copy
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from keras_sharpness.reporting.findings import verdict
from keras_sharpness.reporting.report import write_report
from keras_sharpness.reporting.resampling import resampled_tau
from keras_sharpness.reporting.run_folder import read_run
from keras_sharpness.statistics import kendall
from tests.reporting.fake_run import ABLATION_CSV, CONFIG, SWEEP_CSV, make_models

HOSTILE = "</script><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Tags with their attributes, and the visible text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.inside = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_data(self, data):
        if self.inside not in {"script", "style"}:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def count(self, tag):
        return sum(name == tag for name, _ in self.tags)


def write(folder):
    write_report(folder)
    return (folder / "report.html").read_text()


def data_of(text):
    content = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL).group(1)
    return json.loads(content)


def test_says_what_the_text_report_says(make_run):
    folder = make_run()
    text, run = Page(write(folder)).text, read_run(folder)
    assert verdict(run.kendall, run.published) in text
    assert "python main.py --model=gat --seed=7" in text
    assert "versions.keras 3.15.1" in text
    for heading in re.findall("^## (.*)$", (folder / "report.md").read_text(), re.MULTILINE):
        assert heading in text


def test_models_left_out_are_told_and_not_drawn(make_run):
    models = make_models()
    models.loc[3, "test_loss"] = np.nan
    text = write(make_run(models=models))
    assert "1 model with a non-finite loss or sharpness is left out" in text
    members = data_of(text)["scatter"]["members"]
    assert len(members["model"]) == 49 and "3" not in members["model"]


def test_every_quantity_is_handed_on_whole(make_run):
    models = make_models()
    models["seed"] = 2**63 - 1
    models.loc[4, "train_loss"] = np.nan
    scatter = data_of(write(make_run(models=models)))["scatter"]
    assert scatter["members"]["seed"] == [str(2**63 - 1)] * 50
    columns = {column["name"]: column["values"] for column in scatter["columns"]}
    assert columns["sharpness"] == models["sharpness"].tolist()
    assert columns["test error"] == models["test_error"].tolist()
    assert columns["training loss"][4] is None and columns["gap"][4] is None
    assert columns["gap"][0] == models["test_loss"][0] - models["train_loss"][0]


def test_axis_is_logarithmic_where_the_picture_is(make_run):
    models = make_models()
    models["sharpness"] = np.exp(40 * models["sharpness"])
    scales = {
        column["name"]: column["scale"] for column in data_of(write(make_run(models=models)))["scatter"]["columns"]
    }
    assert scales["sharpness"] == "log" and scales["test loss"] == "linear"


def test_distribution_is_that_of_the_interval(make_run):
    models = make_models()
    expected = kendall(models["sharpness"], models["test_loss"])
    taus = data_of(write(make_run(models=models, tau_ci_low=expected.ci_low, tau_ci_high=expected.ci_high)))["taus"]
    assert sum(taus["counts"]) == 10_000
    assert taus["marks"] == {"this run": expected.tau, "the paper": -0.185}
    assert taus["interval"] == [expected.ci_low, expected.ci_high]
    quantiles = np.quantile(resampled_tau(models), [0.025, 0.975])
    np.testing.assert_array_equal(quantiles, taus["interval"])


def test_distribution_of_a_large_pool_is_bounded(monkeypatch):
    models = make_models(3000)
    taus = resampled_tau(models)
    result = kendall(models["sharpness"], models["test_loss"], num_resamples=1000)
    assert len(taus) == 1000
    np.testing.assert_allclose(np.quantile(taus, [0.025, 0.975]), [result.ci_low, result.ci_high], atol=2e-3)
    monkeypatch.setattr("keras_sharpness.reporting.resampling.MOST_DRAWS", 300_000)
    assert not len(resampled_tau(models))


def test_missing_distribution_says_why(make_run, monkeypatch):
    monkeypatch.setattr("keras_sharpness.reporting.page_figures.resampled_tau", lambda _: np.empty(0))
    text = write(make_run())
    assert "too large to show the distribution" in text
    assert "taus" not in data_of(text)


def test_undefined_tau_has_no_distribution(make_run):
    undefined = dict.fromkeys(("tau", "p_value", "tau_ci_low", "tau_ci_high"))
    assert set(data_of(write(make_run(models=make_models(3), **undefined)))) == {"scatter"}


def test_sweep_and_ablation(make_run):
    folder = make_run()
    (folder / "sweep.csv").write_text(SWEEP_CSV)
    (folder / "ablation.csv").write_text(ABLATION_CSV)
    text = write(folder)
    data = data_of(text)
    assert [line["m"] for line in data["sweep"]["lines"]] == ["64", "full"]
    assert data["sweep"]["lines"][1]["tau"] == [None, 0.25]
    assert data["ablation"]["steps"] == ["0 nothing", "1 dropout"]
    assert "1 dropout None 0.6" in Page(text).text


def test_text_of_a_run_stays_text(make_run):
    config = copy.deepcopy(CONFIG)
    config |= {"model": HOSTILE, "command": HOSTILE, HOSTILE: HOSTILE}
    folder = make_run(config=config)
    (folder / "sweep.csv").write_text(SWEEP_CSV.replace("full", HOSTILE))
    (folder / "ablation.csv").write_text(ABLATION_CSV.replace("dropout", HOSTILE))
    text = write(folder)
    page = Page(text)
    assert page.count("img") == 0 and page.count("script") == 2
    assert page.text.count(HOSTILE) >= 4
    data = data_of(text)
    assert data["ablation"]["steps"][1] == f"1 {HOSTILE}"


def test_nothing_is_fetched_and_only_its_own_script_may_run(make_run):
    text = write(make_run())
    page = Page(text)
    assert not [tag for tag, attributes in page.tags if {"src", "href"} & set(attributes)]
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest", text)
    assert set(re.findall(r"https?://[^\s\"']*", text)) == {"http://www.w3.org/2000/svg"}
    policy = next(attributes["content"] for tag, attributes in page.tags if "http-equiv" in attributes)
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        content = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


@pytest.mark.parametrize(("num_models", "most"), [(50, 50_000), (5000, 1_000_000)])
def test_size(make_run, num_models, most):
    folder = make_run(models=make_models(num_models))
    write_report(folder)
    assert (folder / "report.html").stat().st_size < most
