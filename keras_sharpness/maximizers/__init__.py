"""Ways to climb to a high loss inside a set of perturbations.

A maximizer knows neither models nor norms. Its `path(loss, start, project)` is given the loss as a function of the
perturbation, a feasible start and the projection onto the set, and returns the losses on the way from the start.
Its `coordinates` says what a perturbation is: "weights" (delta itself) or "scaled" (nu, with delta = c nu).
"""

from keras_sharpness.maximizers.pga import PGA as PGA
