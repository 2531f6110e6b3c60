"""The pools of a row, and the loss at which they stop."""

import json

import numpy as np

from keras_sharpness.studies.atlas.tables import read_tables


def test_the_loss_at_which_training_stops_is_that_of_the_slowest_tenth_of_the_pilot(small_atlas):
    table = next(table for table in read_tables(small_atlas) if table.name == "numbers")
    lowest = []
    for path in sorted((small_atlas / "pools" / "numbers" / "pilot" / "pool").glob("*.npz")):
        with np.load(path) as arrays:
            lowest.append(arrays["epoch_losses"].min())
    assert len(lowest) == 8 and table.known["stop_loss"] == max(lowest)
    reached = table.models[table.models["status"] == "reached"]
    assert (reached["training_loss"] <= table.known["stop_loss"] + 1e-6).all()


def test_the_pilot_sees_no_test_example(small_atlas):
    train, test = json.loads((small_atlas / "pools" / "numbers" / "pilot" / "pool.json").read_text())["data"]
    assert train == test


def test_members_of_a_later_split_do_not_start_from_weights_of_an_earlier_one(small_atlas):
    # One model serves all splits; what an earlier one left in it must not be where a later one starts.
    for path in (small_atlas / "pools" / "numbers" / "split-1" / "pool").glob("*.npz"):
        with np.load(path) as arrays:
            biases = [arrays[name] for name in arrays if name.startswith("initial_") and arrays[name].ndim == 1]
        assert biases and not np.any(np.concatenate(biases))
