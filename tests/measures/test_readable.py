"""Every result is one line in a terminal, and a table with its figure in a notebook."""

import re
import xml.etree.ElementTree

import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.measures.readable import Readable, with_error

OPTIONS = {"num_batches": 3, "m": 8}
SHORT = ks.PGA(num_steps=1, step_size=1e-3)
RESULTS = {
    "worst case": (lambda s: ks.worst_case_sharpness(*s, **OPTIONS, maximizer=ks.APGD()), "+-", ", ascent=settled"),
    "short": (lambda s: ks.worst_case_sharpness(*s, **OPTIONS, maximizer=SHORT), "+-", "ascent=not settled: "),
    "one batch": (lambda s: ks.worst_case_sharpness(*s, m=None), "batches=1"),
    "average case": (lambda s: ks.average_case_sharpness(*s, **OPTIONS), "+-", "draws=10"),
    "keskar": (lambda s: ks.keskar_sharpness(*s), "ascent=settled"),
    "grid": (lambda s: ks.sharpness_grid(*s, ms=[8], num_batches=3), "settled=3 of 3"),
    "critical": (lambda s: ks.critical_sharpness(*s), "critical_rate="),
    "fisher rao": (lambda s: ks.fisher_rao_norm(*s), "+-", "samples=20"),
    "flatness": (lambda s: ks.relative_flatness(*s), "+-"),
    "trace": (lambda s: ks.hessian.trace(*s), "+-"),
    "eigenvalues": (lambda s: ks.hessian.top_eigenvalues(*s, k=6), ", ...]", "search=settled"),
    "density": (lambda s: ks.hessian.spectral_density(*s, num_runs=2, num_steps=5), " to ", "starts=2"),
    "line": (lambda s: ks.landscape.line(*s, num_points=5), "direction=random", "points=5"),
    "plane": (lambda s: ks.landscape.plane(*s, num_points=5), "directions=random, random", "points=25"),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_line_and_a_table(small, name):
    measure, *words = RESULTS[name]
    result = measure(small)
    line = repr(result)
    assert line.startswith(f"{type(result).__name__}(") and "\n" not in line and len(line) < 160
    assert not [word for word in words if word not in line]
    shown = result._repr_html_()
    for entry in result.summary():
        assert f">{entry}</th>" in shown
    assert ("<svg" in shown) is hasattr(result, "plot")
    xml.etree.ElementTree.fromstring(f"<div>{shown}</div>")


@pytest.mark.parametrize("measure", [ks.gradient_norm, ks.hessian.operator])
def test_numbers_and_operators_are_a_line_already(small, measure):
    assert "\n" not in repr(measure(small[0], *small[1:]))


def test_markup_in_a_name_is_text():
    class Named(Readable):
        def summary(self):
            return {"value": "<b>&"}

    assert repr(Named()) == "Named(value=<b>&)"
    assert "&lt;b&gt;&amp;" in Named()._repr_html_()


def test_a_standard_error_that_is_unknown_is_left_out():
    assert with_error(1.23456, 0.0123) == "1.235 +- 0.012"
    assert with_error(1.23456, float("nan")) == "1.235"


def test_losses_without_an_ascent_are_shown_too():
    r = ks.WorstCaseSharpness(np.array([[1.0, 1.5], [1.0, 2.5]]))
    assert re.fullmatch(r"WorstCaseSharpness\(value=1 \+- 0\.5, batches=2\)", repr(r))
    assert not r.settled
