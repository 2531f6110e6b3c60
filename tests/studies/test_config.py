"""Procedures, settings and particulars become one configuration."""

import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.studies.config import (
    StudyConfig,
    make_config,
    released_config,
    studies_of_splits,
    study_config,
)
from keras_sharpness.studies.systems import SYSTEMS


def test_settings_that_are_none_keep_the_papers_value():
    config = study_config("gat", rho=None, num_models=7, learning_rate=0.1, seed=None)
    assert (config.rho, config.num_models, config.seed) == (0.02, 7, 0)
    # In the paper the step size is the learning rate.
    assert (config.schedule.learning_rate, config.step_size) == (0.1, 0.1)
    assert config.as_in_paper == ()
    # The table of the paper stays as it is.
    assert SYSTEMS["gat"].schedule.learning_rate == 0.236


def test_settings_go_where_they_belong():
    config = study_config("gat", heads=3, learning_rate=0.5, max_epochs=11, norm="l2", seed=None)
    assert (config.heads, config.norm, config.seed) == (3, "l2", 0)
    assert (config.schedule.learning_rate, config.schedule.max_epochs) == (0.5, 11)
    assert study_config("gat", learning_rate=0.5, step_size=0.1).step_size == 0.1
    assert config.network_options == {"heads": 3}
    assert study_config("fcnn").network_options == {}


def test_particulars_follow_the_paper_one_at_a_time():
    config = released_config("lenet", ("weight_decay", "initialization"))
    assert (config.schedule.weight_decay, config.schedule.initialization) == (0.0, "glorot_uniform")
    assert config.schedule.training_mode_epochs == 1
    assert [config.follows_paper(name) for name in ("mode", "weight_decay")] == [False, True]
    assert released_config("fcnn", ("activation",)).network_options == {}
    assert released_config("fcnn").network_options == {"activation": "elu", "output_activation": "elu"}


def test_by_the_text_every_particular_follows_the_paper():
    assert all(study_config("fcnn").follows_paper(name) for name in ("matching", "ascent", "averages"))
    assert released_config("gat").follows_paper("matching")  # Only Abalone's code mixes pools.


def test_gats_ascent_is_a_name_for_its_parts():
    parts = ("dropout", "trials", "draw", "baseline", "loss")
    assert released_config("gat", parts).follows_paper("ascent")
    assert not released_config("gat", parts[:-1]).follows_paper("ascent")
    config = released_config("gat", ("ascent",))
    assert all(config.follows_paper(part) for part in parts) and not config.follows_paper("stopping")


def test_the_networks_that_are_climbed_are_of_another_pool_unless_they_match():
    mixed, matched = released_config("fcnn"), released_config("fcnn", ("matching",))
    assert (mixed.schedule.learning_rate, matched.schedule.learning_rate) == (0.102, 0.102)
    assert (mixed.climbed_schedule.learning_rate, mixed.step_size) == (0.014, 0.014)
    assert (matched.climbed_schedule, matched.step_size) == (matched.schedule, 0.102)
    assert released_config("fcnn", step_size=0.5).step_size == 0.5
    assert released_config("fcnn", ("matching", "learning_rate")).step_size == 0.014


def test_splits_have_pools_of_seeds_of_their_own():
    configs = [*studies_of_splits(range(2), seed=5, model="gat", num_models=3)]
    assert [(c.split_seed, c.seed, c.model, c.num_models) for c in configs] == [(0, 5, "gat", 3), (1, 6, "gat", 3)]


def test_a_fixed_split_has_no_seed():
    for settings in ({"model": "lenet"}, {"protocol": "released"}):
        with pytest.raises(InputError, match="`split_seed` must be 0 where the split is fixed"):
            make_config(split_seed=1, **settings)
    assert make_config("released", ["split"], split_seed=1).split_seed == 1


def test_the_order_of_the_particulars_does_not_matter():
    assert released_config("fcnn", ("split", "matching")) == released_config("fcnn", ("matching", "split"))


def test_all_particulars_make_the_papers_settings():
    for model, system in SYSTEMS.items():
        names = [particular.name for particular in released_config(model).system.particulars]
        config = released_config(model, names)
        assert (config.schedule, config.rho, config.step_size) == (
            system.schedule,
            system.rho,
            study_config(model).step_size,
        )
        assert config.network_options == study_config(model).network_options
        assert config.climbed_schedule == config.schedule


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"protocol": "text"}, "`protocol` must be paper or released"),
        ({"model": "vgg"}, "`model` must be one of fcnn, lenet, gat"),
        ({"protocol": "released", "model": "vgg"}, "`model` must be one of fcnn, lenet, gat"),
        ({"as_in_paper": ["mode"]}, "`as_in_paper` must be used with the released protocol"),
        (
            {"protocol": "released", "model": "gat", "as_in_paper": ["mode"]},
            "particulars of gat: dropout, trials, draw, baseline, loss, stopping, ascent",
        ),
        ({"protocol": "released", "model": "gat", "m": 32}, "set='m'"),
        ({"min_epochs": 3, "max_epochs": 2}, "`min_epochs` must not exceed `max_epochs`"),
        ({"rho": -0.1}, "`rho` must be finite and non-negative"),
        ({"eta": float("nan")}, "`eta` must be finite and non-negative"),
        ({"step_size": 0.0}, "`step_size` must be finite and positive"),
        ({"num_models": 0}, "`num_models` must be at least 1"),
        ({"num_restarts": 1.5}, "`num_restarts` must be an integer"),
        ({"seed": -1}, "`seed` must be an integer from 0"),
        ({"learning_rate": -1.0}, "`learning_rate` must be finite and positive"),
        ({"protocol": "released", "model": "gat", "norm": "l2", "eta": 0.1}, "set='norm, eta'"),
    ],
)
def test_what_does_not_fit_is_refused(settings, words):
    with pytest.raises(InputError, match=words):
        make_config(**settings)


def test_the_papers_ascent_takes_its_settings_with_the_released_training():
    config = released_config("gat", ("ascent",), m=32)
    assert isinstance(config, StudyConfig) and config.m == 32
