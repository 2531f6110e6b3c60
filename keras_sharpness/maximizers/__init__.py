"""Ways to climb to a high loss inside a set of perturbations.

A maximizer is a rule: from state, loss and gradient at a point to the next state. It knows neither models nor that many
ascents run at once; `ascend` makes the climb. `Restarts` wraps a maximizer and also starts it at random points.
"""

from keras_sharpness.maximizers.apgd import APGD as APGD
from keras_sharpness.maximizers.ascent import AscentState as AscentState
from keras_sharpness.maximizers.ascent import Climb as Climb
from keras_sharpness.maximizers.ascent import Maximizer as Maximizer
from keras_sharpness.maximizers.ascent import Problem as Problem
from keras_sharpness.maximizers.ascent import Recorder as Recorder
from keras_sharpness.maximizers.ascent import Seen as Seen
from keras_sharpness.maximizers.ascent import ascend as ascend
from keras_sharpness.maximizers.pga import PGA as PGA
from keras_sharpness.maximizers.registry import NAMES as NAMES
from keras_sharpness.maximizers.registry import make_maximizer as make_maximizer
from keras_sharpness.maximizers.restarts import Restarts as Restarts
from keras_sharpness.maximizers.restarts import check_maximizer as check_maximizer
from keras_sharpness.maximizers.restarts import num_starts as num_starts
from keras_sharpness.maximizers.restarts import starting_point as starting_point
from keras_sharpness.maximizers.single_step import SingleStep as SingleStep
