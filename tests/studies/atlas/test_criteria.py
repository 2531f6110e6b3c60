"""What a row says of each measure."""

import pytest

from keras_sharpness.studies.atlas.criteria import NOISE, criteria_of
from tests.support import atlas_tables


@pytest.fixture(scope="module")
def found():
    rows = criteria_of(atlas_tables.table()).query("target == 'gap'")
    return rows.pivot(index="measure", columns="criterion", values="value")


def test_the_gap_itself_has_all_signs_right(found):
    oracle = found.loc["param_norm"]
    assert oracle[["psi", "tau", "tau_given", "sign_agreement"]].tolist() == pytest.approx([1, 1, 1, 1], abs=0.02)
    assert oracle["cmi"] > 0.9


def test_its_negative_has_all_signs_wrong(found):
    turned = found.loc["path_norm", ["psi", "tau", "sign_agreement"]]
    assert turned.tolist() == pytest.approx([-1, -1, -1], abs=0.02)


def test_noise_says_nothing(found):
    assert found.loc[[NOISE, "worst_case"], "psi"].abs().max() < 0.35


def test_models_of_two_splits_are_not_compared():
    table = atlas_tables.table()
    # Larger in the split whose gap is larger, and constant within each.
    table.models["worst_case"] = table.models["split"].astype(float)
    rows = criteria_of(table).query("measure == 'worst_case' and criterion == 'tau'")
    assert rows["value"].abs().max() == 0 or rows.empty


def test_models_that_missed_the_loss_do_not_count():
    table = atlas_tables.table()
    table.models.loc[0, ["status", "gap", "param_norm"]] = "missed", 1e9, -1e9
    rows = criteria_of(table).query("measure == 'param_norm' and criterion == 'tau' and target == 'gap'")
    assert rows["value"].tolist() == pytest.approx([1]) and rows["models"].tolist() == [len(table.models) - 1]
