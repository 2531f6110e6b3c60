"""The set that perturbations are taken from: a ball, in units of the scale of each weight."""

from keras_sharpness.perturbations.ball import Ball as Ball
from keras_sharpness.perturbations.ball import Region as Region
from keras_sharpness.perturbations.norms import NORMS as NORMS
