"""Results in files, and what they become: dictionaries, tables, pickles."""

import dataclasses
import json
import pickle

import numpy as np
import pandas as pd
import pytest

import keras_sharpness as ks
from keras_sharpness.files.checksum import save_arrays
from keras_sharpness.measures import saved_result
from keras_sharpness.measures.average_case import AverageCaseSharpness
from keras_sharpness.measures.barrier import Barrier
from keras_sharpness.measures.critical import CriticalSharpness
from keras_sharpness.measures.diagnostics import Diagnostics
from keras_sharpness.measures.estimate import Estimate
from keras_sharpness.measures.hessian import Eigenvalues, SpectralDensity
from keras_sharpness.measures.keskar import KeskarSharpness
from keras_sharpness.measures.landscape import Line, Plane
from keras_sharpness.measures.placed import Placed
from keras_sharpness.measures.radii import SharpnessGrid
from keras_sharpness.measures.worst_case import WorstCaseSharpness


def draws(*shape):
    return np.random.default_rng(0).random(shape)


ASCENT = WorstCaseSharpness(
    losses=draws(3, 6).astype(np.float32),
    config={"rho": 1e-4, "maximizer": {"name": "PGA", "num_steps": 5}, "select": None, "batches": [[1, 2], [3, 4]]},
    errors=draws(3, 6),
    diagnostics=Diagnostics(*(np.array([0.5, np.nan, np.inf]) for _ in dataclasses.fields(Diagnostics))),
    restarts=draws(3, 2, 6),
)
PLACED = Placed(draws(4, 2), draws(4), draws(4), np.arange(4))
# Result, and the number of rows of its table.
RESULTS = {
    "worst case": (ASCENT, 3),
    "losses alone": (WorstCaseSharpness(draws(2, 3)), 2),
    "average case": (AverageCaseSharpness(draws(3, 4), draws(3), draws(3, 4), {"rho": 1e-4}), 12),
    "keskar": (KeskarSharpness(12.5, ASCENT), 1),
    "critical": (CriticalSharpness(2.0, 1.0, 40), 1),
    "estimate": (Estimate(1.5, float("nan"), draws(1)), 1),
    "eigenvalues": (Eigenvalues(draws(4), draws(4), draws(4, 20)), 4),
    "density": (SpectralDensity(draws(9), draws(9), draws(9), [draws(3), draws(2)], [draws(3), draws(2)]), 9),
    "grid": (SharpnessGrid(pd.DataFrame({"rho": [1e-4, 1e-3], "sharpness": [0.1, 0.2], "settled": [True, False]})), 2),
    "line": (Line(draws(5), draws(5), "random"), 5),
    "plane": (Plane(draws(2), draws(3), draws(2, 3), ("random", "gradient")), 6),
    "plane with paths": (Plane(draws(2), draws(3), draws(2, 3), ("a", "b"), {"SGD": PLACED, "Adam": PLACED}), 6),
    "placed": (PLACED, 4),
    "barrier": (Barrier(draws(5), draws(3, 5), ("a", "b"), {"m": 64}), 5),
}


def assert_equal(found, expected):
    """Compares whole results: values, shapes and types, down to the last bit."""
    assert type(found) is type(expected)
    if dataclasses.is_dataclass(expected):
        for field in dataclasses.fields(expected):
            assert_equal(getattr(found, field.name), getattr(expected, field.name))
    elif isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected)
    elif isinstance(expected, dict):
        assert [*found] == [*expected]
        [assert_equal(found[name], expected[name]) for name in expected]
    elif isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        [assert_equal(*pair) for pair in zip(found, expected, strict=True)]
    else:
        np.testing.assert_equal(found, expected)
        assert np.asarray(found).dtype == np.asarray(expected).dtype


def test_every_kind_of_result_is_tried():
    assert {type(result) for result, _ in RESULTS.values()} == set(saved_result._RESULTS)


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_the_same_after_saving_and_after_pickling(tmp_path, name):
    result, _ = RESULTS[name]
    result.save(tmp_path / "deep" / "result.npz")
    assert_equal(ks.load_result(tmp_path / "deep" / "result.npz"), result)
    assert_equal(pickle.loads(pickle.dumps(result)), result)


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_becomes_a_dictionary_and_a_table(name):
    result, rows = RESULTS[name]
    found = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert found["kind"] == type(result).__name__
    assert {field.name for field in dataclasses.fields(result)} <= set(found)
    if hasattr(result, "value"):
        assert found["value"] == result.value
    frame = result.to_frame()
    assert len(frame) == rows and frame.shape[1] > 0


def test_a_table_adds_up_to_the_value():
    assert ASCENT.to_frame()["sharpness"].mean() == ASCENT.value
    average, _ = RESULTS["average case"]
    assert average.to_frame()["rise"].mean() == pytest.approx(average.value)


def test_what_is_no_result_is_refused_by_name(tmp_path):
    path = tmp_path / "result.npz"
    with pytest.raises(ks.InputError, match="must be a result that can be read"):
        ks.load_result(path)
    path.write_bytes(b"half a file")
    with pytest.raises(ks.InputError, match="damaged"):
        ks.load_result(path)
    for text, message in [
        (None, "of this version"),
        ("5", "of this version"),
        ("{", "of this version"),
        ('{"class": "os.system", "fields": {}}', "of this version"),
        ('{"class": "Estimate", "fields": {"value": 1}}', "of this version"),
        ('{"class": "Estimate", "fields": 3}', "of this version"),
        ('{"class": "Estimate", "fields": {"value": {"array": "missing"}}}', "of this version"),
        ('{"class": "WorstCaseSharpness", "fields": {"losses": 3}}', "of this version"),
        ('{"list": 7}', "of this version"),
    ]:
        arrays = {"other": np.zeros(1)} if text is None else {"result": np.frombuffer(text.encode(), np.uint8)}
        save_arrays(path, **arrays)
        with pytest.raises(ks.InputError, match=message):
            ks.load_result(path)


def test_a_place_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ks.InputError, match="must be a place that can be written to"):
        ASCENT.save(tmp_path / "file" / "result.npz")
