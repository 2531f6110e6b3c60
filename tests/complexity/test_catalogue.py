import dataclasses
import math
import re
from pathlib import Path

import keras
import pytest
from keras import layers

import keras_sharpness as ks
from keras_sharpness.complexity import MEASURES, TrainedModel, choose, measure, refusals
from keras_sharpness.errors import InputError
from tests.support.complexity_models import convolutional, learned, linear_regression, perceptron, randomize, trained

CHEAP = {"count", "norm", "margin"}


def test_names_and_kinds():
    assert all(name == each.name for name, each in MEASURES.items())
    assert {each.name for each in choose("cheap")} == {name for name, each in MEASURES.items() if each.kind in CHEAP}
    assert [each.name for each in choose(["path_norm", "num_params", "path_norm"])] == ["path_norm", "num_params"]
    assert choose("path_norm") == choose(["path_norm"])
    assert len([each for each in choose() if each.kind in ("pac_bayes", "worst_case")]) == 12


def test_the_page_has_a_row_for_each():
    page = (Path(__file__).parents[2] / "docs" / "complexity.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z_0-9.]+)` \|.*\|([^|]*)\|$", page, flags=re.MULTILINE))
    letters = {"initial": "I", "first_epoch": "F", "epoch_losses": "E"}
    expected = {
        each.name: "L" * each.layered + "C" * each.classifies + "".join(letters[need] for need in each.needs)
        for each in choose("all")
    }
    assert {name: needs.replace(" ", "") for name, needs in rows.items()} == expected


def test_every_measure_says_where_its_formula_stands():
    for each in choose("all"):
        assert each.equation and set(each.needs) <= {"initial", "first_epoch", "epoch_losses"}
        assert each.function.__doc__ or each.name.startswith("steps_") or each.name.endswith("_reshaped")


@pytest.mark.parametrize(("names", "match"), [(["path_nrom"], "such as path_norm"), ([], "or names"), ("chep", "chep")])
def test_unknown_names(names, match):
    with pytest.raises(InputError, match=match):
        choose(names)


def test_cheap_measures_of_a_convolutional_classifier():
    found = measure(trained(learned(convolutional())), "cheap")
    assert len(found) == 34 and all(math.isfinite(value) and error == 0 for value, error in found.values())


def test_a_regression_has_norms_but_no_margins():
    sample, *_ = linear_regression(4)
    model = trained(sample)
    missing = refusals(model, choose("all"))
    assert all("classifier" in missing[name] for name, each in MEASURES.items() if each.kind == "margin")
    assert not [name for name in missing if MEASURES[name].kind in ("norm", "count", "pac_bayes", "worst_case")]
    assert all("`epoch_losses` must be known" in missing[name] for name in ("steps_0.1", "steps_0.1_to_0.01"))
    found = measure(model, [each for each in choose("cheap") if each.name not in missing])
    assert all(math.isfinite(value) for value, _ in found.values())
    with pytest.raises(InputError, match="measure inverse_margin: .*mean_squared_error"):
        measure(model, "inverse_margin")


def test_layers_of_other_kinds_are_named():
    model = randomize(keras.Sequential([keras.Input((4, 2)), layers.SimpleRNN(3, name="memory"), layers.Dense(2)]))
    missing = refusals(trained(learned(model)), choose("all"))
    assert "layer 'memory'" in missing["prod_of_spec"]
    assert not {"param_norm", "dist_from_init", "inverse_margin", "num_params", "pacbayes_orig"} & set(missing)
    with pytest.raises(InputError, match="measure prod_of_spec: .*layer 'memory'"):
        measure(trained(learned(model)), "prod_of_spec")


def test_what_is_not_known_is_refused_by_name():
    found = refusals(TrainedModel(learned(perceptron())), choose("all"))
    assert set(found) == {name for name, each in MEASURES.items() if each.needs}


def test_other_losses_have_no_radius():
    sample, x, _, y = linear_regression(4)
    other = TrainedModel(ks.Sample(sample.model, x, y, "mean_absolute_error"))
    assert "R^2" in refusals(other, choose(["pacbayes_orig", "sharpness_orig"]))["sharpness_orig"]


def test_a_name_after_a_minus_is_left_out():
    chosen = [each.name for each in choose(["cheap", "-param_norm"])]
    assert "param_norm" not in chosen and len(chosen) == len(choose("cheap")) - 1


def test_a_measure_of_ones_own_stands_beside_the_others():
    own = dataclasses.replace(MEASURES["param_norm"], name="own")
    assert choose(["l2_norm", own])[1] is own


def test_a_misspelt_name_after_a_minus_is_refused():
    with pytest.raises(InputError, match="such as param_norm"):
        choose(["cheap", "-param_nrom"])
