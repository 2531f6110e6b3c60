import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.studies.config import SYSTEMS, study_config


def test_table_one():
    table = {name: (s.schedule.learning_rate, s.loss, s.rho) for name, s in SYSTEMS.items()}
    assert table == {
        "fcnn": (0.014, "mean squared error", 0.025),
        "lenet": (0.05, "cross-entropy", 0.0001),
        "gat": (0.236, "cross-entropy", 0.02),
    }
    for name in SYSTEMS:
        config = study_config(name)
        assert (config.num_models, config.m, config.num_batches, config.pga_steps) == (50, 64, 50, 5)
        assert config.step_size == config.schedule.learning_rate
        assert (config.schedule.batch_size, config.schedule.stop_tolerance) == (64, 0.05)
    epochs = {name: (s.schedule.min_epochs, s.schedule.max_epochs) for name, s in SYSTEMS.items()}
    assert epochs == {"fcnn": (2, 10), "lenet": (2, 10), "gat": (10, 20)}


def test_settings_go_where_they_belong():
    config = study_config("gat", heads=3, learning_rate=0.5, max_epochs=11, norm="l2", seed=None)
    assert (config.heads, config.norm, config.seed) == (3, "l2", 0)
    assert (config.schedule.learning_rate, config.schedule.max_epochs) == (0.5, 11)
    # The ascent's step follows the rate, unless it is given.
    assert config.step_size == 0.5
    assert study_config("gat", learning_rate=0.5, step_size=0.1).step_size == 0.1
    assert config.network_options == {"heads": 3}
    assert study_config("fcnn").network_options == {}
    # The table of the paper stays as it is.
    assert SYSTEMS["gat"].schedule.learning_rate == 0.236


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "vgg"}, "`model` must be one of fcnn, lenet, gat"),
        ({"num_models": 0}, "`num_models` must be at least 1"),
        ({"num_restarts": 1.5}, "`num_restarts` must be an integer"),
        ({"seed": -1}, "`seed` must be an integer from 0"),
        ({"rho": float("nan")}, "`rho` must be finite and non-negative"),
        ({"step_size": 0.0}, "`step_size` must be finite and positive"),
        ({"learning_rate": -1.0}, "`learning_rate` must be finite and positive"),
        ({"min_epochs": 5, "max_epochs": 3}, "`min_epochs` must not exceed `max_epochs`"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        study_config(**settings)
