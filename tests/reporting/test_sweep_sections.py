"""Tables of a sweep, as its files hold it."""

import math

import pytest

from keras_sharpness.reporting.run_folder import read_run
from keras_sharpness.reporting.sweep_sections import sweep_sections
from keras_sharpness.studies.sweep_tables import pairs, per_batch_size, per_setting
from tests.reporting.fake_run import SWEEP_CSV
from tests.support.sweeps import swept


@pytest.fixture
def tables(make_run):
    """The sections of a run that holds a whole sweep of rho 0.1, 0.01 and 1 and m 16 and full."""
    folder, numbers = make_run(), swept()
    for name, table in (
        ("", per_setting(numbers)),
        ("_batch_sizes", per_batch_size(numbers)),
        ("_pairs", pairs(numbers)),
    ):
        table.to_csv(folder / f"sweep{name}.csv", index=False)
    return numbers, [*sweep_sections(read_run(folder).sweep, rho=0.02)]


def test_a_sweep_of_old_has_slopes_from_its_means(make_run):
    folder = make_run()
    (folder / "sweep.csv").write_text(SWEEP_CSV)
    (section,) = sweep_sections(read_run(folder).sweep, rho=0.02)
    assert [row[-1] for row in section.rows] == ["slope", "1.00", "", "1.00", ""]


def test_settings_have_p_values_and_what_is_beyond_the_gradient_norm(tables):
    numbers, (settings, *_) = tables
    row = per_setting(numbers).iloc[0]
    assert settings.rows[0][-3:] == ["p, corrected", "ratio to first order", "beyond gradient norm"]
    assert settings.rows[1][6] == f"{row['slope']:.2f}"
    assert settings.rows[1][-1].startswith(f"{row['tau_beyond_gradient']:.3f} [")
    assert len(settings.rows) == 7 and {len(cells) for cells in settings.rows} == {10}


def test_the_order_in_rho_of_each_batch_size(tables):
    numbers, (_, orders, _) = tables
    row = per_batch_size(numbers).iloc[0]
    begins = "not up to 1" if math.isnan(row["second_order_from"]) else f"{row['second_order_from']:g}"
    assert orders.rows[1][0] == "16" and orders.rows[1][3] == begins
    assert orders.rows[1][4] == f"{row['tau_gradient_norm']:.3f}"


def test_pairs_shown_are_of_the_ends_and_of_the_runs_own_radius(tables):
    _, (*_, differences) = tables
    shown = {tuple(row[:2]) for row in differences.rows[1:]}
    own = ("rho 0.01, m 16", "rho 0.01, m full")
    assert shown == {own, ("rho 0.01, m 16", "rho 1, m 16"), ("rho 0.01, m full", "rho 1, m full")}
    assert "all 15 pairs" in differences.note
