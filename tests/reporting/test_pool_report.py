"""A pool over hyper-parameters becomes a report."""

import re
import shutil

import pandas as pd
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.reporting.compare import write_comparison
from keras_sharpness.reporting.pool_report import write_pool_report
from tests.support.pool_folders import large_pool, write_pool_folder

HOSTILE = "</script><img src=x onerror=alert(1)>"
WRITTEN = {"report.md", "report.html", "ranking.png", "within.png", "scatter.png", "environments.png"}


@pytest.fixture(scope="module")
def reported(ranked_pool, tmp_path_factory):
    folder = shutil.copytree(ranked_pool, tmp_path_factory.mktemp("reported") / "pool")
    assert write_pool_report(folder) == folder / "report.md"
    return folder


def test_both_reports_say_the_same(reported, ranked_pool):
    assert {path.name for path in reported.iterdir()} - {path.name for path in ranked_pool.iterdir()} == WRITTEN
    text, page = ((reported / name).read_text() for name in ("report.md", "report.html"))
    answer = re.search(r"^\*\*(.*)\*\*$", text, re.MULTILINE).group(1)
    assert answer in page and answer.startswith("3 of 4 measures")
    for heading in re.findall("^## (.*)$", text, re.MULTILINE):
        assert f"<h2>{heading}</h2>" in page
    for picture in WRITTEN - {"report.md", "report.html"}:
        assert f"]({picture})" in text
    assert "python main.py --study=mine.py" in text and "python main.py --study=mine.py" in page


def test_nothing_is_fetched_and_texts_stay_texts(make_pool, ranked_pool):
    tables = {name: pd.read_csv(ranked_pool / f"{name}.csv") for name in ("models", "ranking", "environments")}
    hostile = {name: table.rename(columns={"shuffled": HOSTILE}) for name, table in tables.items()}
    hostile["ranking"] = hostile["ranking"].replace({"measure": {"shuffled": HOSTILE}})
    hostile["models"]["decay"] = HOSTILE
    folder = make_pool(hostile, command=HOSTILE, data=HOSTILE, failures={"1": HOSTILE}, kinds={HOSTILE: HOSTILE})
    write_pool_report(folder)
    page = (folder / "report.html").read_text()
    assert "<img" not in page and page.count("<script") == 2
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest", page)


def test_nothing_is_written_where_a_file_is_damaged(make_pool):
    folder = make_pool()
    (folder / "models.csv").write_text("index\n0\n")
    with pytest.raises(InputError, match="models.csv must have the columns"):
        write_pool_report(folder)
    assert not WRITTEN & {path.name for path in folder.iterdir()}


def test_a_pool_of_few_seeds_has_a_report(make_pool, ranked_pool):
    folder = make_pool({"environments": pd.read_csv(ranked_pool / "environments.csv").iloc[:0]})
    write_pool_report(folder)
    assert "four seeds of each setting" in (folder / "report.html").read_text()
    assert not (folder / "environments.png").exists()


def test_the_page_of_a_large_pool_is_bounded(tmp_path):
    folder = write_pool_folder(tmp_path / "large", **large_pool(3000, 12))
    write_pool_report(folder)
    assert (folder / "report.html").stat().st_size < 3000 * 30 * 12


def test_runs_over_hyper_parameters_are_not_compared(reported, tmp_path):
    with pytest.raises(InputError, match="`compare` takes runs whose models differ in their seed") as caught:
        write_comparison([str(reported)], "published", tmp_path)
    assert "\n" not in str(caught.value)
