"""Ways to climb to a high loss inside a set of perturbations.

A maximizer is a rule: from state, loss and gradient at a point to the next state. It knows neither models nor that many
ascents run at once; `ascend` makes the climb.
"""

from keras_sharpness.maximizers.ascent import Maximizer as Maximizer
from keras_sharpness.maximizers.ascent import ascend as ascend
from keras_sharpness.maximizers.pga import PGA as PGA
