"""Ascended losses of one pool minus the training losses of another."""

import numpy as np
import pytest

from keras_sharpness.pools.member import member_seed
from keras_sharpness.studies.config import released_config
from keras_sharpness.studies.released.other_pool import other_seed
from keras_sharpness.studies.study import make_study
from tests.support.studies import paths

SMALL = {"num_models": 3, "max_epochs": 1}


def test_no_network_of_the_other_pool_shares_its_seed_with_this_one():
    here = {member_seed(0, index) for index in range(2000)}
    there = {member_seed(other_seed(0), index) for index in range(2000)}
    assert len(here | there) == 4000
    assert len({other_seed(seed) for seed in range(100)}) == 100


@pytest.mark.parametrize("ascent", [[], ["ascent"]])
def test_losses_of_another_pool_are_next_to_those_of_this_one(ascent):
    study = make_study(released_config("fcnn", ascent, **SMALL))
    members = [*study.train([2, 0])]
    mixed = paths(study, members)
    assert sorted(mixed) == [0, 2]
    # The same with two studies, each of one pool: of this one at its rate, and of the other at 0.014.
    own = make_study(released_config("fcnn", ["matching", *ascent], **SMALL))
    rates = {"learning_rate": 0.014, "step_size": 0.014, "seed": 0}
    other = make_study(released_config("fcnn", ["matching", *ascent], **(SMALL | rates)))
    other._trainer = other._make_trainer(other.config.schedule, other_seed(0), plan=None, distribution=None)
    others = {member.index: member for member in other.train([0, 2])}
    starts = {member.index: start for member, start in zip(members, own._measurement.starts(members), strict=True)}
    for index, losses in mixed.items():
        (ascended,) = paths(other, [others[index]]).values()
        np.testing.assert_array_equal(losses[:, 1:], ascended[:, 1:])
        np.testing.assert_array_equal(losses[:, 0], starts[index])
        rises = study.sharpness(losses)["sharpness"]
        if not ascent:
            own_loss = own.evaluate(next(m for m in members if m.index == index))["train_loss"]
            assert rises == losses[0, 1 + losses[1, 1:].argmax()] - own_loss


def test_the_other_networks_do_not_depend_on_how_many_are_measured():
    study = make_study(released_config("fcnn", **SMALL))
    members = [*study.train(range(3))]
    together, alone = paths(study, members), paths(study, members[1:2])
    ((index, losses),) = alone.items()
    np.testing.assert_array_equal(losses, together[index])
