"""Prints measures of three small networks as JSON; a process of its own for each backend."""

import json
import sys

from keras_sharpness.complexity import choose, measure, refusals
from tests.support.complexity_models import convolutional, learned, linear_regression, normalized, numpy_of, trained


def main():
    samples = {
        "convolutional": learned(convolutional()),
        "classifier": learned(normalized(), 60, m=20),
        "regression": linear_regression(5, m=20, num_batches=10)[0],
    }
    found = {}
    for kind, sample in samples.items():
        first = ([numpy_of(v) * 0.9 for v in sample.model.trainable_variables],)
        first += ([numpy_of(v) for v in sample.model.non_trainable_variables],)
        model = trained(sample, first_epoch=first, epoch_losses=(0.5, 0.05, 0.004), batch_size=10)
        # Compiling ascents of convolutions would take minutes; the package's own sharpness is compared elsewhere.
        measures = choose("cheap" if kind == "convolutional" else "all")
        measures = [each for each in measures if each.kind != "sharpness"]
        missing = refusals(model, measures)
        kept = [each for each in measures if each.name not in missing]
        found[kind] = {name: value for name, (value, _) in measure(model, kept).items()}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
