"""A small study on made-up data."""

import numpy as np

from keras_sharpness.data.dataset import Dataset
from keras_sharpness.studies.config import study_config
from tests.support import cases


def paths(study, members):
    """Returns the losses that each member's sharpness follows from, by its place in the pool."""
    return {index: found["losses"] for index, found in study.measure(members)}


def small(**settings):
    """Returns settings and data."""
    case = cases.fcnn()
    dataset = Dataset(
        name="abalone", x=case.x, y=case.y, train=np.arange(150), test=np.arange(150, 200), source="made up"
    )
    defaults = {"num_models": 3, "num_batches": 4, "m": 8, "max_epochs": 2, "maximizer": None}
    return study_config("fcnn", **(defaults | settings)), dataset
