"""What the released code's procedure is made of; how it is chosen is tested with the configuration."""

import dataclasses

import pytest

from keras_sharpness.pools.schedule import Schedule
from keras_sharpness.studies.config import StudyConfig
from keras_sharpness.studies.released.particulars import ASCENT_SETTINGS, RELEASED
from keras_sharpness.studies.systems import SYSTEMS


@pytest.mark.parametrize("model", list(SYSTEMS))
def test_each_difference_in_training_has_a_particular(model):
    released, paper = RELEASED[model], SYSTEMS[model]
    changes = {name: value for particular in released.particulars for name, value in particular.schedule.items()}
    differing = {
        field.name
        for field in dataclasses.fields(Schedule)
        if getattr(released.schedule, field.name) != getattr(paper.schedule, field.name)
    }
    assert differing == changes.keys()
    assert dataclasses.replace(released.schedule, **changes) == paper.schedule
    assert (released.rho, released.loss, released.dataset) == (paper.rho, paper.loss, paper.dataset)


@pytest.mark.parametrize("model", list(SYSTEMS))
def test_names_are_told_apart_and_say_both_sides(model):
    system = RELEASED[model]
    assert len(set(system.names)) == len(system.names)
    assert all(particular.released and particular.paper for particular in system.particulars)
    assert {part for parts in system.groups.values() for part in parts} <= {p.name for p in system.particulars}


def test_published_settings():
    fcnn, lenet, gat = (RELEASED[model].schedule for model in ("fcnn", "lenet", "gat"))
    assert (fcnn.learning_rate, fcnn.max_epochs, fcnn.stopping, fcnn.gradient) == (0.102, 12, "not_falling", "full")
    assert (lenet.weight_decay, lenet.training_mode_epochs, lenet.initialization) == (0.005, 1, "torch_default")
    assert (gat.min_epochs, gat.max_epochs, gat.reduction) == (11, 20, "sum")
    assert RELEASED["fcnn"].other_pool == {"learning_rate": 0.014}


def test_settings_of_the_papers_ascent_are_settings_of_a_study():
    assert set(ASCENT_SETTINGS) < {field.name for field in dataclasses.fields(StudyConfig)}
    assert not {"rho", "step_size", "seed"} & set(ASCENT_SETTINGS)
