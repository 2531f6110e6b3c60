"""Stand-ins for replicas: they compute one after the other, in this process, and note what they did."""

import numpy as np

from keras_sharpness.distribution.structures import cut


class FakeReplicas:
    name = "Fake"

    def __init__(self, total, local=None, others=None):
        self.total, self.local, self.others = total, [*range(total)] if local is None else local, others
        self.placed, self.calls = [], []

    def place(self, data):
        self.placed.append(data)
        return ("placed", data)

    def run(self, fn, calls):
        self.calls.append(calls)
        return [fn(*args) for args in calls]

    def all_gather(self, vector):
        return np.stack([vector, *self.others])

    def compile_shared(self, fn):
        return fn

    def place_shared(self, data):
        return ("shared", data)

    def run_shared(self, fn, args):
        return np.mean([fn(*cut(args, replica, self.total)) for replica in self.local], axis=0)

    def mean(self, structure):
        return structure
