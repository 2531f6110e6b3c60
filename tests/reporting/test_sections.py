"""The tables of a run's report."""

from keras_sharpness.files.checksum import save_compressed
from keras_sharpness.reporting.run_folder import read_run
from keras_sharpness.reporting.sections import sections
from tests.reporting.fake_run import ABLATION_CSV, SWEEP_CSV, make_details

ALWAYS = ["Correlation", "Tau of sharpness with other quantities", "Models", "Times", "Settings"]
SOMETIMES = ["Tau against rho and m", "The released code and the paper's text", "Tau from one protocol to the other"]


def by_heading(folder):
    return {section.heading: section for section in sections(read_run(folder))}


def with_all(folder):
    (folder / "sweep.csv").write_text(SWEEP_CSV)
    (folder / "ablation.csv").write_text(ABLATION_CSV)
    return by_heading(folder)


def test_what_the_run_holds_has_a_table(make_run):
    folder = make_run()
    assert list(by_heading(folder)) == ALWAYS
    found = with_all(folder)
    assert [name for name in found if name not in ALWAYS] == SOMETIMES
    assert {section.figure for section in found.values()} == {"", "taus", "sweep", "ablation"}
    assert list(found[SOMETIMES[0]].rows[3][3:5]) == ["undefined", "no interval"]


def test_details_have_tables_where_the_run_has_kept_them(make_run):
    folder = make_run()
    save_compressed(folder / "details.npz", **make_details())
    found = [name for name in by_heading(folder) if name not in ALWAYS]
    assert found == ["Tau over models, batches and test examples", "Gradient norm in place of sharpness"]


def test_every_row_is_as_wide_as_its_head(make_run):
    found = with_all(make_run(another={"result": 1.5}))
    for section in found.values():
        assert {len(row) for row in section.rows} == {len(section.rows[0])}
        assert section.note == " ".join(section.note.split())
    assert ("another.result", "1.5") in found["Further results"].rows


def test_the_paper_is_a_column_where_it_has_the_model(make_run):
    assert by_heading(make_run())["Correlation"].rows[0] == ["", "this run", "paper, Fig. 1"]
    other = by_heading(make_run(config={"model": "mlp", "rho": 1}))["Correlation"]
    assert other.rows[0] == ["", "this run"] and "paper" not in other.note
