import math

import numpy as np
import pytest

from keras_sharpness.studies.config import make_config
from keras_sharpness.studies.measurement import mean_rise, with_indices
from keras_sharpness.studies.study import Study
from tests.support.studies import small


def test_the_sharpness_is_the_mean_rise():
    found = mean_rise(np.array([1.0, 2.0, 6.0]))
    assert found["sharpness"] == 3
    assert found["sharpness_standard_error"] == pytest.approx(math.sqrt(7 / 3))
    assert math.isnan(mean_rise(np.array([1.0]))["sharpness_standard_error"])


def test_starts_are_the_first_column_of_the_paths():
    study = Study(*small())
    members = [*study.train(range(2))]
    found = [found["losses"] for found in study._measurement.paths(members)]
    assert [losses.shape for losses in found] == [(4, 6)] * 2
    for path, start in zip(found, study._measurement.starts(members), strict=True):
        np.testing.assert_array_equal(start, path[:, 0])
    assert [index for index, _ in with_indices(study._measurement, members)] == [m.index for m in members]


def test_losses_of_one_network_never_fall_below_its_start_but_those_of_two_can():
    losses = np.array([[1.0, 0.5, 0.7, 0.1, 0.1, 0.1]] * 50)
    matched, mixed = (
        Study(make_config("released", names, num_models=1), small()[1])
        for names in (["ascent", "matching"], ["ascent"])
    )
    assert matched.sharpness(losses)["sharpness"] == 0
    assert mixed.sharpness(losses)["sharpness"] == pytest.approx(-0.3)
