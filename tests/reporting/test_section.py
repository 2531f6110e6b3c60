from types import SimpleNamespace

from keras_sharpness.reporting.section import TAU_HEAD, Section, tau_cells


def test_cells_of_a_tau_fit_their_head():
    row = SimpleNamespace(tau=0.25, tau_ci_low=-0.5, tau_ci_high=float("nan"), num_models=50.0)
    assert tau_cells(row) == ("0.250", "no interval", "50")
    assert len(tau_cells(row)) == len(TAU_HEAD)


def test_a_section_needs_no_note_and_no_figure():
    section = Section(heading="A", rows=[["x"]])
    assert (section.note, section.figure) == ("", "")
