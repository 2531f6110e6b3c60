import numpy as np
import pytest
from keras import ops

from keras_sharpness.errors import InputError
from keras_sharpness.models import fcnn, lenet5
from keras_sharpness.pools.member import Member, member_seed
from tests.support import cases


def member_of(model, **changes):
    def values(variables):
        return [ops.convert_to_numpy(v.value) for v in variables]

    arrays = {"weights": values(model.trainable_variables), "state": values(model.non_trainable_variables)}
    return Member(index=2, seed=7, **(arrays | changes))


def test_a_model_that_is_given_a_member_predicts_as_it_does():
    """Weights, moving statistics and seeds."""
    model = cases.lenet5().model
    other = member_of(model).assign_to(lenet5())
    x = cases.lenet5().x
    np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))
    for training in (True, True):
        np.testing.assert_array_equal(*(ops.convert_to_numpy(m(x, training=training)) for m in (other, model)))


def test_tensors_hold_the_same_numbers():
    member = member_of(cases.lenet5().model)
    weights, state = member.tensors()
    for tensor, array in zip((*weights, *state), (*member.weights, *member.state), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(tensor), array)


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": [np.zeros((10, 64), "float32")]},
        {"weights": [np.zeros(v.shape[::-1], "float32") for v in fcnn().trainable_variables]},
        {"state": [np.zeros(2, "float32")]},
    ],
    ids=["too few", "transposed", "state"],
)
def test_a_model_of_another_architecture_is_refused_and_left_alone(changes):
    model = cases.fcnn().model
    before = model.get_weights()
    with pytest.raises(InputError, match="model 2 must have the weights of fcnn"):
        member_of(model, **changes).assign_to(model)
    for weight, value in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_seeds_differ_by_pool_and_place_and_never_change():
    seeds = {member_seed(pool, index) for pool in range(20) for index in range(50)}
    assert len(seeds) == 1000
    assert 0 <= min(seeds) and max(seeds) < 2**32
    # Saved pools quote seeds: a release must not change them.
    assert [member_seed(0, 0), member_seed(0, 1), member_seed(3, 1)] == [2968811710, 3964924996, 457190280]
