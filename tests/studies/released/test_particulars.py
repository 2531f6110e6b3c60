import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.studies.config import study_config
from keras_sharpness.studies.released.particulars import RELEASED, released_config


def names(model):
    return tuple(particular.name for particular in RELEASED[model].particulars)


@pytest.mark.parametrize("model", RELEASED)
def test_with_every_particular_as_in_the_paper_the_training_is_the_papers(model):
    ours, paper = released_config(model, names(model)), study_config(model)
    fields = vars(paper.schedule)
    assert {name: getattr(ours.schedule, name) for name in fields} == fields
    assert (ours.rho, ours.step_size, ours.network_options) == (paper.rho, paper.step_size, paper.network_options)
    # Each particular does something: it changes the schedule, or is asked for by name.
    for particular in RELEASED[model].particulars:
        assert not released_config(model).follows_paper(particular.name)
        assert released_config(model, (particular.name,)).follows_paper(particular.name)


def test_settings_follow_the_paper_one_at_a_time():
    config = released_config("lenet", ("weight_decay", "initialization"))
    assert (config.schedule.weight_decay, config.schedule.initialization) == (0.0, "glorot_uniform")
    assert config.schedule.training_mode_epochs == 1
    assert released_config("lenet").schedule.weight_decay == 5e-3
    assert released_config("fcnn", ("activation",)).network_options == {}
    assert released_config("fcnn").network_options == {"activation": "elu", "output_activation": "elu"}


def test_the_ascents_step_is_the_learning_rate_unless_given():
    assert released_config("fcnn").step_size == 0.102
    assert released_config("fcnn", ("learning_rate",)).step_size == 0.014
    assert released_config("fcnn", learning_rate=0.5).step_size == 0.5
    assert released_config("fcnn", step_size=0.3).step_size == 0.3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": "vgg"}, "fcnn, lenet, gat"),
        ({"model": "gat", "as_in_paper": ("mode",)}, "particulars of gat: dropout, ascent, stopping"),
        ({"model": "gat", "m": 32}, "set='m'"),
        ({"model": "gat", "norm": "l2", "eta": 0.1}, "set='norm, eta'"),
    ],
)
def test_what_does_not_fit_is_refused(settings, words):
    with pytest.raises(InputError, match=words):
        released_config(**settings)


def test_settings_of_the_papers_ascent_are_taken_with_it():
    assert released_config("gat", ("ascent",), m=32, norm="l2").m == 32
