"""A hyper-parameter becomes few classes that can be told apart."""

import numpy as np
import pandas as pd
import pytest

from keras_sharpness.reporting.colour_classes import MOST_CLASSES, OTHERS, colour_classes


def test_few_numbers_keep_their_order_and_span_the_scale():
    found = colour_classes(pd.Series([0.1, 0.01, 0.03, 0.01], name="rate"))
    assert (found.name, found.labels, found.ordered) == ("rate", ["0.01", "0.03", "0.1"], True)
    assert found.numbers.tolist() == [2, 0, 1, 0]
    assert found.places() == [0, 2, 5]


def test_many_numbers_are_ranges_of_equally_many():
    values = pd.Series(10 ** np.random.default_rng(0).uniform(-6, -2, 600), name="decay")
    found = colour_classes(values)
    assert np.bincount(found.numbers).tolist() == pytest.approx([100] * MOST_CLASSES, abs=1)
    assert values[found.numbers == 0].max() < values[found.numbers == 1].min()
    assert found.labels[0].endswith(f"to {values[found.numbers == 0].max():.3g}")


def test_of_many_words_the_frequent_stay():
    found = colour_classes(pd.Series([*"aaabbbcccdddeee", *"xyz", None], name="letter"))
    assert found.labels == [*"abcde", OTHERS] and not found.ordered
    assert found.numbers[-4:].tolist() == [5] * 4


@pytest.mark.parametrize("values", [["sgd", None, "adam"], [True, False, True], [1.0, np.nan, 2.0]])
def test_each_model_has_a_class(values):
    found = colour_classes(pd.Series(values, name="any"))
    assert len(found.numbers) == 3 and set(found.numbers) == set(range(len(found.labels)))
