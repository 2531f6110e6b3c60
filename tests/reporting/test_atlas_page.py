"""The pages of an atlas."""

import pytest

from keras_sharpness.cli.commands import report
from keras_sharpness.errors import InputError
from keras_sharpness.reporting.atlas_page import write_atlas
from keras_sharpness.studies.atlas.answer import write_answer
from tests.cli.in_process import chosen
from tests.support import atlas_tables


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("atlas")
    atlas_tables.write(folder)
    write_answer(folder)
    write_atlas(folder)
    return folder


def test_the_verdict_counts_what_ranks(folder):
    text = (folder / "report.md").read_text()
    assert "Over 6 data sets, 1 of 3 measures rank the gap" in text and "and 1 the wrong way round" in text


def test_the_page_holds_each_target_group_and_data_set(folder):
    page = (folder / "report.html").read_text()
    assert "test error, classification" in page and ">four<" in page.replace("\n", "")
    assert (folder / "forest.png").stat().st_size > 10_000 < (folder / "rows.png").stat().st_size


def test_the_command_report_writes_it_again(folder):
    (folder / "report.html").unlink()
    with chosen("report", str(folder)):
        report(str(folder))
    assert (folder / "report.html").exists()


def test_a_damaged_answer_is_refused_and_nothing_is_written(tmp_path):
    atlas_tables.write(tmp_path)
    write_answer(tmp_path)
    (tmp_path / "answer.csv").write_text("group,mean\nall,word\n")
    with pytest.raises(InputError, match=r"answer\.csv"):
        write_atlas(tmp_path)
    assert not (tmp_path / "report.md").exists()
