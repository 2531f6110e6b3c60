import pytest

from keras_sharpness.training.thinned import Thinned


@pytest.mark.parametrize("bound", [2, 3, 10])
def test_few_items_are_kept_evenly_with_the_newest_and_every_other_one_is_returned_once(bound):
    thinned, dropped = Thinned(bound), []
    for item in range(1000):
        dropped += thinned.add(item)
        kept = thinned.items
        assert len(kept) <= bound and kept[0] == 0 and kept[-1] == item
        assert len({b - a for a, b in zip(kept[:-2], kept[1:-1], strict=True)}) <= 1
        assert sorted(dropped + kept) == list(range(item + 1))
