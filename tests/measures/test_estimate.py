import dataclasses

import numpy as np
import pytest

from keras_sharpness.measures.estimate import Estimate


def test_an_estimate_cannot_be_changed():
    estimate = Estimate(1.0, 0.5, np.ones(3))
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimate.value = 2.0
