"""Correlations of sharpness with other quantities."""

from keras_sharpness.reporting.correlations import correlations
from keras_sharpness.statistics import conditional_kendall, kendall
from tests.reporting.fake_run import make_models

NAMES = ["test loss, given training loss", "training loss", "generalization gap (test minus training loss)"]


def test_each_is_that_of_its_columns():
    models = make_models()
    sharpness, test, train = models["sharpness"], models["test_loss"], models["train_loss"]
    assert list(correlations(models)) == [
        (NAMES[0], conditional_kendall(sharpness, test, [train])),
        (NAMES[1], kendall(sharpness, train)),
        (NAMES[2], kendall(sharpness, test - train)),
        ("test error", kendall(sharpness, models["test_error"])),
    ]


def test_what_is_undefined_is_none_and_what_is_missing_is_left_out():
    found = dict(correlations(make_models().drop(columns="test_error").assign(train_loss=1.0)))
    assert list(found) == NAMES
    assert found["training loss"] is None and found[NAMES[2]] is not None
