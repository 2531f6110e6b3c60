import numpy as np
import pytest
from keras import ops

from keras_sharpness.models import lenet5
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective
from keras_sharpness.pools.initialization import initialize
from keras_sharpness.pools.member import Member
from keras_sharpness.studies.released import ascents
from keras_sharpness.studies.released.particulars import released_config


@pytest.mark.parametrize(
    ("absolute_value", "moved", "clipped"),
    [
        # The bounds of a negative weight cross, which pins it.
        (False, [5.0, 5.0], [-2.2, 2.2]),
        (False, [-9.0, -9.0], [-2.2, 1.8]),
        (True, [5.0, 5.0], [-1.8, 2.2]),
        (True, [-9.0, -9.0], [-2.2, 1.8]),
    ],
)
def test_the_clip_with_and_without_the_absolute_value(absolute_value, moved, clipped):
    weights, reference = ([ops.convert_to_tensor(w)] for w in (moved, [-2.0, 2.0]))
    (found,) = ascents._project(weights, reference, 0.1, absolute_value=absolute_value)
    np.testing.assert_allclose(ops.convert_to_numpy(found), clipped, rtol=1e-6)


def small_lenet(*as_in_paper):
    """Returns an ascent of one epoch on 96 made-up images, and a member."""
    model, rng = lenet5(), np.random.default_rng(0)
    x = rng.normal(size=(96, 28, 28, 1)).astype("float32")
    data = LabelledData(x, rng.integers(10, size=96).astype("int32"))
    config = released_config("lenet", as_in_paper)
    objective = Objective(model, "sparse_categorical_crossentropy")
    ascent = ascents.LeNetAscent(config, objective, data, np.arange(96), lambda weights, state: 0.0)
    weights, state = initialize(model, rng, "torch_default")
    return ascent, Member(index=0, seed=1, weights=weights, state=state)


def climb(*as_in_paper):
    """Returns the member, and weights and state after the first epoch."""
    ascent, member = small_lenet(*as_in_paper)
    seen = []
    ascent.epochs, ascent.evaluate = 1, lambda weights, state: seen.append((weights, state)) or 0.0
    ascent(member)
    weights, state = seen[-1]
    return member, [ops.convert_to_numpy(w) for w in weights], [ops.convert_to_numpy(s) for s in state]


def test_lenets_reference_is_an_alias_unless_it_is_copied():
    member, after, _ = climb()
    # One unprojected step of rate 0.05 leads far outside the ball.
    assert max(np.abs(w - w0).max() for w, w0 in zip(after, member.weights, strict=True)) > 0.01
    member, after, _ = climb("reference")
    for w, w0 in zip(after, member.weights, strict=True):
        assert (np.abs(w - w0) <= 1e-4 * np.abs(w0) * 1.001 + 1e-8).all()


def test_lenet_climbs_with_batch_statistics_and_dropout_unless_they_follow_the_paper():
    def changes(*names):
        member, _, state = climb("reference", *names)
        return [not np.array_equal(new, old) for new, old in zip(state, member.state, strict=True)]

    variables = small_lenet()[0].objective.model.non_trainable_variables
    is_seed = [v.path.endswith("seed_generator_state") for v in variables]
    assert changes() == [True] * len(is_seed)
    assert changes("dropout") == [not seed for seed in is_seed]
    assert changes("dropout", "batch_statistics") == [False] * len(is_seed)


def sharpness(kind, losses):
    ascent = kind.__new__(kind)  # what it is computed from are the losses
    return ascent.sharpness(np.array(losses))["sharpness"]


def test_sharpness_is_the_highest_loss_after_a_step_minus_the_first():
    # Two trials; a climb that only falls counts as it is.
    assert sharpness(ascents.GATAscent, [[1.0, 3.0, 2.0], [1.0, 0.5, 0.25]]) == pytest.approx((2 - 0.5) / 2)
    assert sharpness(ascents.LeNetAscent, [[1.0, 0.5, 0.75]]) == pytest.approx(-0.25)


def test_fcnns_sharpness_is_the_loss_at_the_end_of_the_epoch_of_the_largest_sum():
    losses, sums = [1.0, 4.0, 2.0, 3.0], [np.nan, 50.0, 70.0, 60.0]
    assert sharpness(ascents.FCNNAscent, [losses, sums]) == pytest.approx(1.0)
