"""Measures of sharpness, one module each."""

from keras_sharpness.measures.attribution import attribute as attribute
from keras_sharpness.measures.average_case import AverageCaseSharpness as AverageCaseSharpness
from keras_sharpness.measures.average_case import average_case_sharpness as average_case_sharpness
from keras_sharpness.measures.critical import CriticalSharpness as CriticalSharpness
from keras_sharpness.measures.critical import critical_sharpness as critical_sharpness
from keras_sharpness.measures.diagnostics import Diagnostics as Diagnostics
from keras_sharpness.measures.fisher_rao import fisher_rao_norm as fisher_rao_norm
from keras_sharpness.measures.flatness import relative_flatness as relative_flatness
from keras_sharpness.measures.gradient import gradient_norm as gradient_norm
from keras_sharpness.measures.keskar import KeskarSharpness as KeskarSharpness
from keras_sharpness.measures.keskar import keskar_sharpness as keskar_sharpness
from keras_sharpness.measures.radii import SharpnessGrid as SharpnessGrid
from keras_sharpness.measures.radii import sharpness_grid as sharpness_grid
from keras_sharpness.measures.sample import Sample as Sample
from keras_sharpness.measures.worst_case import WorstCaseSharpness as WorstCaseSharpness
from keras_sharpness.measures.worst_case import worst_case_sharpness as worst_case_sharpness
