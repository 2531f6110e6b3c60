import numpy as np

from keras_sharpness.complexity.definition import Measure, Value
from keras_sharpness.measures.estimate import Estimate


def test_numbers_are_exact_and_estimates_keep_their_error():
    found = {"exact": 2, "value": Value(3.0, 0.5), "estimate": Estimate(1.5, 0.1, np.ones(2))}
    taken = {name: Measure(name, "norm", "", lambda trained, r=r: r)(None) for name, r in found.items()}
    assert taken == {"exact": Value(2.0, 0.0), "value": Value(3.0, 0.5), "estimate": Value(1.5, 0.1)}
