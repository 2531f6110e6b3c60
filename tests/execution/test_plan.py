import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness import backend
from keras_sharpness.execution.plan import MOST_ACTIVATIONS, MOST_COPIES, MOST_MEMBERS, Plan, choose_plan


def test_small_dense_networks_are_vectorized_and_large_ones_are_not():
    assert choose_plan(ks.models.fcnn()).vectorized
    large = keras.Sequential([keras.Input((1500,)), keras.layers.Dense(1500)])
    assert choose_plan(large).vectorized == backend.on_accelerator()
    assert choose_plan(large, "vectorized").vectorized


def test_convolutions_run_one_after_another():
    plan = choose_plan(ks.models.lenet5())
    assert not plan.vectorized
    assert plan.loops_compiled == backend.LOOPS_CONVOLUTIONS or backend.on_accelerator()
    if not backend.VECTORIZES_CONVOLUTIONS:
        with pytest.raises(ks.InputError, match="`plan` must be 'sequential' for a model with convolutions"):
            choose_plan(ks.models.lenet5(), "vectorized")


def test_loops_over_large_weights_are_compiled_only_where_these_stay_in_place():
    large = keras.Sequential([keras.Input((1500,)), keras.layers.Dense(1500)])
    assert choose_plan(large).loops_compiled == backend.LOOPS_IN_PLACE or backend.on_accelerator()
    assert choose_plan(ks.models.fcnn()).loops_compiled


def test_an_unknown_plan_is_refused():
    with pytest.raises(ks.InputError, match="`plan` must be one of vectorized, sequential"):
        choose_plan(ks.models.fcnn(), "fast")


def test_blocks_are_of_equal_size_and_cover_all_cells():
    for num_cells in (1, 5, 64, 65, 200):
        size = Plan(most_copies=MOST_COPIES).block_size(num_cells)
        assert size <= MOST_COPIES
        blocks = int(np.ceil(num_cells / size))
        # No fewer blocks would do, and no smaller size for as many blocks.
        assert blocks == int(np.ceil(num_cells / MOST_COPIES))
        assert blocks * (size - 1) < num_cells


def test_activations_bound_a_block():
    plan = Plan(most_copies=64, width=2**10)
    assert plan.block_size(64, m=1) == 64
    assert plan.block_size(64, m=2**10) == 16
    assert plan.block_size(64, m=MOST_ACTIVATIONS) == 1


def test_members_are_shared_out_over_the_cores():
    plan = Plan(most_copies=64)
    assert plan.members(10, parts=2) == 5
    assert plan.members(3, parts=2) == 2
    assert plan.members(1000, parts=2) == MOST_MEMBERS
    assert Plan(most_copies=1).members(1000, parts=2) == 1
