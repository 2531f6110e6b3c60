import numpy as np
import pytest

from keras_sharpness import models
from keras_sharpness.errors import InputError
from keras_sharpness.studies.config import SYSTEMS
from keras_sharpness.studies.pool_systems import system_study


def test_a_width_is_a_factor_of_the_papers():
    study = system_study("fcnn", {"width": [0.5, 1]}, training={})
    assert [layer.units for layer in study.build(width=0.5).layers] == [32, 32, 1]
    assert study.build().count_params() == models.fcnn().count_params()
    assert [layer.filters for layer in models.lenet5(width=2).layers if hasattr(layer, "filters")] == [24, 64]
    gat = system_study("gat", {"width": [2]}, training={})
    assert gat.build(width=2, heads=2).layers[2].channels == 16
    assert len(gat.train) == 3 and len(np.intersect1d(gat.train[2], gat.test[2])) == 0


def test_what_does_not_vary_is_as_in_the_paper_or_given():
    study = system_study("fcnn", {"width": [1]}, training={"seeds": 2})
    assert float(study.training["optimizer"].learning_rate) == pytest.approx(SYSTEMS["fcnn"].schedule.learning_rate)
    assert study.training["initialization"] == "glorot_uniform" and study.training["seeds"] == 2
    given = system_study("fcnn", {"width": [1]}, training={"learning_rate": 0.5}, num_train=100)
    assert float(given.training["optimizer"].learning_rate) == 0.5 and len(given.train[0]) == len(given.train[1]) == 100


@pytest.mark.parametrize(
    ("space", "options", "message"),
    [
        ({"widht": [1]}, {}, "`vary` must name one of .*width.*learning_rate.*unknown=.'widht'"),
        ({"width": [1]}, {"num_train": 0}, "`num_train` must be from 1 to"),
        ({"width": [1]}, {"num_train": 10**6}, "`num_train` must be from 1 to"),
    ],
)
def test_bad_input_gets_one_line(space, options, message):
    with pytest.raises(InputError, match=message):
        system_study("fcnn", space, training={}, **options)
