"""Measures of sharpness, one module each."""

from keras_sharpness.measures.worst_case import WorstCaseSharpness as WorstCaseSharpness
from keras_sharpness.measures.worst_case import worst_case_sharpness as worst_case_sharpness
