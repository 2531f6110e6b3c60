"""Measures of complexity that are said to predict the gap between training and test, one line each in `catalogue`.

trained = ks.complexity.TrainedModel(ks.Sample(model, x, y), initial=weights_before_training)
ks.complexity.measure(trained, "cheap")
"""

from keras_sharpness.complexity.catalogue import MEASURES as MEASURES
from keras_sharpness.complexity.catalogue import choose as choose
from keras_sharpness.complexity.catalogue import measure as measure
from keras_sharpness.complexity.catalogue import refusals as refusals
from keras_sharpness.complexity.definition import Measure as Measure
from keras_sharpness.complexity.definition import Value as Value
from keras_sharpness.complexity.trained_model import TrainedModel as TrainedModel
