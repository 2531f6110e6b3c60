"""The protocol is that of the page that was written before the runs."""

import math
from pathlib import Path

from keras_sharpness.complexity import choose
from keras_sharpness.studies.atlas import protocol
from keras_sharpness.studies.atlas.rows import SIZES, Row

PAGE = " ".join((Path(__file__).parents[3] / "docs" / "atlas.md").read_text().split())


def test_the_page_has_the_numbers_of_the_code():
    rates, (narrow, wide), (flat, deep) = protocol.RATES, *SIZES["dense"].values()
    (slow, fast), (small, large), (none, decay) = rates.values()
    said = [
        f"{protocol.NUM_TRAIN} training examples",
        f"at most {protocol.NUM_TEST:,} test examples",
        f"width ({narrow}, {wide}), depth ({flat}, {deep} hidden layers)",
        f"learning rate ({slow}, {fast}), batch size ({small}, {large}) and weight decay ({none:g}, {decay})",
        f"momentum {protocol.MOMENTUM}",
        f"trains for {protocol.PILOT_EPOCHS} epochs",
        f"the lowest that {protocol.PILOT_SHARE:.0%} of the settings reach".replace("%", " %"),
        f"no lower than {protocol.FLOOR}",
        f"within {protocol.MAX_EPOCHS} epochs",
        f"{protocol.NUM_BATCHES} batches of {protocol.BATCH}",
    ]
    assert [words for words in said if words not in PAGE] == []
    assert f"{protocol.TRAINED} models a row" in PAGE


def test_each_network_has_as_many_settings():
    sizes = [math.prod(len(values) for values in Row("any", network).space.values()) for network in SIZES]
    assert {size * protocol.SEEDS * len(protocol.SPLIT_SEEDS) for size in sizes} == {protocol.TRAINED}


def test_the_measures_are_all_but_eight():
    left_out = {each.name for each in choose()} - {each.name for each in choose(protocol.MEASURES)}
    assert len(left_out) == 8 and all(name.startswith(("sharpness_", "steps_")) for name in left_out)
